/**
 * The files of a model besides its weights. A run that starts from a model stores them, so that its checkpoints can
 * answer.
 */
import type { ModelFileName } from '../infer/lab-model.ts';

/** The files, as JSON values. */
export interface ModelTexts {
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly lab: unknown;
  readonly card: unknown;
}

/** Expects files that `loadLabModel` has accepted. */
export function modelTexts(files: ReadonlyMap<ModelFileName, Uint8Array>): ModelTexts {
  const json = (name: ModelFileName): unknown => JSON.parse(new TextDecoder().decode(files.get(name)));
  return {
    config: json('config.json'),
    tokenizer: json('tokenizer.json'),
    lab: json('lab.json'),
    card: json('card.json'),
  };
}
