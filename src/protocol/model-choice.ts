/** Which model scores a file, or is continued, by where it is from. */
import * as v from 'valibot';

/** The origin of a model, by which the page can load it again; of `rules`, those of a bundled model answer alone. */
export const ModelChoiceSchema = v.strictObject({
  kind: v.picklist(['bundled', 'checkpoint', 'rules']),
  id: v.string(),
});
export type ModelChoice = v.InferOutput<typeof ModelChoiceSchema>;
