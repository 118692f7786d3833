/**
 * Encodes a prompt so that it fits the model. Word limits bound the fields of ordinary documents, but the number of
 * tokens per word depends on the text. If a prompt is too long for its model, all fields lose words in proportion until
 * it fits, and report the cut. If single words are too long (base64 images, languages without spaces), they are cut
 * between characters.
 */
import { LabError } from '../../common/errors.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import {
  PROMPT_FIELDS,
  printPrompt,
  type PromptConfig,
  promptContent,
  type PromptContent,
  type PromptField,
} from '../../relevance/prompt/prompt.ts';
import type { WordSplitter } from './subword-splits.ts';
import type { ModelTokenizer } from './model-tokenizer.ts';

/** An encoded prompt. */
export interface EncodedPrompt {
  readonly ids: Int32Array;
  /** The fields that lost words or parts of words. */
  readonly cutFields: readonly PromptField[];
}

/** The most characters of a word, tried in this order once omitting words is not enough. */
const WORD_LENGTHS = [48, 24, 12, 6, 3, 1] as const;
const CHARACTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** An upper bound on the average token length of the tokenizers here; longer words than this per token cannot fit. */
const MAX_CHARACTERS_PER_TOKEN = 16;

/**
 * Encodes the prompt of a pair in at most `maxTokens` tokens.
 *
 * @param splitWord - splits words before tokenisation, as in training
 * @throws {LabError} `bad-config` if not even one character per field fits.
 */
export function encodePrompt(
  tokenizer: ModelTokenizer,
  pair: Pair,
  config: PromptConfig,
  maxTokens: number,
  splitWord?: WordSplitter,
): EncodedPrompt {
  let tokens = Infinity;
  for (const wordLength of [maxTokens * MAX_CHARACTERS_PER_TOKEN, ...WORD_LENGTHS]) {
    for (let limits: WordLimits | undefined = config.maxWordsPerField; limits !== undefined;) {
      const content = shortenWords(promptContent(pair, { ...config, maxWordsPerField: limits }), wordLength);
      const ids = tokenizer.encode(printPrompt(content), splitWord);
      tokens = ids.length;
      if (tokens <= maxTokens)
        return { ids: Int32Array.from(ids), cutFields: lostFields(content, pair, config.maxWordsPerField, limits) };
      limits = shrink(limits, maxTokens / tokens);
    }
  }
  throw new LabError('bad-config', {
    message: `The prompt for the query "${pair.query.slice(0, 60)}" does not fit the model.`,
    expected: `at most ${maxTokens} tokens`,
    got: `${tokens} tokens with one character per field`,
    fix: 'Use a model with more positions.',
  });
}

/** The fields that were cut, and those without room for a single word, which the prompt omits. */
function lostFields(
  { cutFields }: PromptContent,
  { document }: Pair,
  wished: WordLimits,
  limits: WordLimits,
): readonly PromptField[] {
  const isThere = { attributes: Object.keys(document.attributes).length > 0, text: document.text.trim() !== '' };
  const isLost = (field: PromptField): boolean =>
    (field === 'attributes' || field === 'text') && isThere[field] && wished[field] > 0 && limits[field] === 0;
  return PROMPT_FIELDS.filter((field) => cutFields.includes(field) || isLost(field));
}

type WordLimits = PromptConfig['maxWordsPerField'];

/** Limits reduced in the given proportion; undefined if none can shrink. */
function shrink(limits: WordLimits, share: number): WordLimits | undefined {
  // At least a tenth per round, because limits far above the actual words would otherwise need many rounds.
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

/** The content of a prompt with words of at most `length` characters. Hints remain those of the whole words. */
function shortenWords(content: PromptContent, length: number): PromptContent {
  const cut = new Set<PromptField>();
  const short = (field: PromptField, text: string): string => {
    if (text.length <= length) return text;
    const shorter = text
      .split(' ')
      .map((word) => shortenWord(word, length))
      .join(' ');
    if (shorter !== text) cut.add(field);
    return shorter;
  };
  const { query, title, brand, type, attributes, text, missing, cutFields } = content;
  const shortened = {
    ...content,
    query: short('query', query),
    title: short('title', title),
    brand: short('brand', brand),
    type: short('type', type),
    attributes: attributes.map(([name, value]) => [short('attributes', name), short('attributes', value)] as const),
    text: short('text', text),
    missing: missing && { ...missing, words: short('query', missing.words) },
  };
  return { ...shortened, cutFields: PROMPT_FIELDS.filter((field) => cut.has(field) || cutFields.includes(field)) };
}

/** The graphemes of a word that fit; if the first one is too long, its first code points. */
function shortenWord(word: string, length: number): string {
  if (word.length <= length) return word;
  let end = 0;
  for (const { segment, index } of CHARACTERS.segment(word)) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  if (end > 0) return word.slice(0, end);
  const head = word.slice(0, length);
  const isHalf = /[\ud800-\udbff]$/.test(head);
  return isHalf ? head.slice(0, -1) || word.slice(0, 2) : head;
}
