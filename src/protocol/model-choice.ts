/** Which model scores a file, or is continued, by where it is from. */
import * as v from 'valibot';

/**
 * The origin of a model, by which the page can load it again; of `rules`, those of a bundled model or of the file itself
 * answer alone.
 */
export const ModelChoiceSchema = v.strictObject({
  kind: v.picklist(['bundled', 'checkpoint', 'rules']),
  id: v.string(),
});
export type ModelChoice = v.InferOutput<typeof ModelChoiceSchema>;

/** The rules that were found for the file that is judged, or edited for it. */
export const OWN_RULES: ModelChoice = { kind: 'rules', id: 'own' };

export function isOwnRules({ kind, id }: ModelChoice): boolean {
  return kind === OWN_RULES.kind && id === OWN_RULES.id;
}
