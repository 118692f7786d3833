/**
 * The files of a model besides its weights. A run that starts from a model stores them, so that its checkpoints can
 * answer.
 */
import type { ModelFileName } from '../infer/lab-model.ts';
import { VECTORS_FILE } from '../vectors/static-vectors.ts';

/** The files, as JSON values. */
export interface ModelTexts {
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly lab: unknown;
  readonly card: unknown;
}

/** The same, and the file of vectors if prompts show similarities. */
export interface StartFiles {
  readonly texts: ModelTexts;
  readonly vectors: Uint8Array | undefined;
}

/** Expects files that `loadLabModel` has accepted. */
export function startFiles(files: ReadonlyMap<ModelFileName, Uint8Array>): StartFiles {
  const json = (name: ModelFileName): unknown => JSON.parse(new TextDecoder().decode(files.get(name)));
  return {
    texts: {
      config: json('config.json'),
      tokenizer: json('tokenizer.json'),
      lab: json('lab.json'),
      card: json('card.json'),
    },
    vectors: files.get(VECTORS_FILE),
  };
}
