/** The tokenizer of a model folder, by what its `tokenizer.json` says. */
import type { ModelTokenizer } from './model-tokenizer.ts';
import { LabTokenizer } from './tokenizer.ts';
import { hasWording, WordedTokenizer } from './worded-tokenizer.ts';

/**
 * A tokenizer from the parsed contents of a `tokenizer.json`.
 *
 * @throws {LabError} `bad-tokenizer` if it is neither the lab's own nor a foreign one with a wording
 */
export function readTokenizer(json: unknown): ModelTokenizer {
  return hasWording(json) ? WordedTokenizer.fromJson(json) : LabTokenizer.fromJson(json);
}
