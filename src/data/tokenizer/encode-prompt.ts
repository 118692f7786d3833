/**
 * A prompt that fits: word limits bound the fields of ordinary documents, but how many tokens a word takes depends on
 * the text. Where a prompt is too long for its model, all fields lose words in proportion until it fits, and say so.
 */
import { LabError } from '../../common/errors.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { buildPrompt, type PromptConfig, type PromptField } from '../../relevance/prompt/prompt.ts';
import type { WordSplitter } from './subword-splits.ts';
import type { LabTokenizer } from './tokenizer.ts';

/** An encoded prompt. */
export interface EncodedPrompt {
  readonly ids: Int32Array;
  /** The fields that lost words. */
  readonly cutFields: readonly PromptField[];
}

/**
 * Encodes the prompt of a pair in at most `maxTokens` tokens.
 *
 * @param splitWord - cuts words before they become tokens, as training does
 * @throws {LabError} `bad-config` if not even one word per field fits.
 */
export function encodePrompt(
  tokenizer: LabTokenizer,
  pair: Pair,
  config: PromptConfig,
  maxTokens: number,
  splitWord?: WordSplitter,
): EncodedPrompt {
  let limits = config.maxWordsPerField;
  for (;;) {
    const { segments, cutFields } = buildPrompt(pair, { ...config, maxWordsPerField: limits });
    const ids = tokenizer.encode(segments, splitWord);
    if (ids.length <= maxTokens) return { ids: Int32Array.from(ids), cutFields };
    const shorter = shrink(limits, maxTokens / ids.length);
    if (shorter === undefined) {
      throw new LabError('bad-config', {
        message: `The prompt for the query "${pair.query.slice(0, 60)}" does not fit the model.`,
        expected: `at most ${maxTokens} tokens`,
        got: `${ids.length} tokens with one word per field`,
        fix: 'Shorten words that are very long, or use a model with more positions.',
      });
    }
    limits = shorter;
  }
}

/** Smaller limits in the given proportion; undefined if none can shrink. */
function shrink(limits: PromptConfig['maxWordsPerField'], share: number): PromptConfig['maxWordsPerField'] | undefined {
  // At least a tenth at a time: limits far above the actual words would else need many rounds.
  const factor = Math.min(share, 0.9);
  const least = (words: number, floor: number): number => Math.max(Math.floor(words * factor), floor);
  const next = {
    query: least(limits.query, Math.min(1, limits.query)),
    title: least(limits.title, Math.min(1, limits.title)),
    brand: least(limits.brand, Math.min(1, limits.brand)),
    type: least(limits.type, Math.min(1, limits.type)),
    attributes: least(limits.attributes, 0),
    text: least(limits.text, 0),
  };
  return Object.entries(next).every(([field, words]) => words === limits[field as PromptField]) ? undefined : next;
}
