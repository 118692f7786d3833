/**
 * The files of a model beside its weights: what a run that begins with it keeps, so that its checkpoints can answer.
 */
import type { ModelFileName } from '../infer/lab-model.ts';

/** The files, as JSON values. */
export interface ModelTexts {
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly lab: unknown;
  readonly card: unknown;
}

/** Files that `loadLabModel` has read. */
export function modelTexts(files: ReadonlyMap<ModelFileName, Uint8Array>): ModelTexts {
  const json = (name: ModelFileName): unknown => JSON.parse(new TextDecoder().decode(files.get(name)));
  return {
    config: json('config.json'),
    tokenizer: json('tokenizer.json'),
    lab: json('lab.json'),
    card: json('card.json'),
  };
}
