/**
 * Training of a byte-level BPE tokenizer (Sennrich et al., 1508.07909; byte level as in GPT-2).
 *
 * The corpus is reduced to its distinct pre-tokens with their counts. Then, until the vocabulary is full, the most
 * frequent pair of adjacent tokens becomes a new token. Only the words with the merged pair are updated: pair counts
 * are maintained, not recomputed. Ties go to the pair with the smaller ids, as in Hugging Face's trainer, so that equal
 * corpora give equal tokenizers in any order.
 */
import TinyQueue from 'tinyqueue';
import { LabError } from '../../common/errors.ts';
import { BYTE_ALPHABET, preTokens, toByteCharacters } from './byte-level.ts';
import { makeTokenizerJson, type TokenizerJson } from './tokenizer-json.ts';

export interface BpeOptions {
  /** Special tokens, bytes and merged tokens together. A small corpus may use fewer. */
  readonly vocabSize: number;
  /** They get the ids from 0 in this order, and no merge ever forms one. */
  readonly specialTokens: readonly string[];
  /** Rarer pairs are not merged. Default 2, because a pair seen once saves nothing elsewhere. */
  readonly minFrequency?: number;
}

/** A distinct pre-token as its current token ids, with its count in the corpus. */
interface Word {
  ids: number[];
  readonly count: number;
}

/**
 * Trains a tokenizer on texts in the form they will be encoded in (with a leading space where the prompt has one).
 *
 * @returns the contents of a complete `tokenizer.json`.
 * @throws {LabError} `bad-config` if `vocabSize` has no room for the special tokens and the 256 bytes.
 */
export function trainBpe(
  texts: Iterable<string>,
  { vocabSize, specialTokens, minFrequency = 2 }: BpeOptions,
): TokenizerJson {
  const fixed = specialTokens.length + BYTE_ALPHABET.length;
  if (!Number.isInteger(vocabSize) || vocabSize < fixed) {
    throw new LabError('bad-config', {
      message: 'The vocabulary of the tokenizer is too small.',
      expected: `a whole number of at least ${fixed} (${specialTokens.length} special tokens and 256 bytes)`,
      got: String(vocabSize),
    });
  }
  const tokens: string[] = [...specialTokens, ...BYTE_ALPHABET];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const forbidden = new Set(specialTokens);
  const merges: [string, string][] = [];
  const pairs = new PairTable(countWords(texts, ids));

  while (tokens.length < vocabSize) {
    const best = pairs.mostFrequent();
    if (best === undefined || best.count < minFrequency) break;
    const left = tokens[best.left] ?? '';
    const right = tokens[best.right] ?? '';
    const merged = left + right;
    if (forbidden.has(merged)) continue;

    // Two different merges can form the same token ("ab" + "c", "a" + "bc"); both get the same id.
    const known = ids.get(merged);
    const id = known ?? tokens.push(merged) - 1;
    ids.set(merged, id);
    merges.push([left, right]);
    pairs.merge(best.left, best.right, id);
  }
  return makeTokenizerJson({ tokens, merges, specialTokens });
}

function countWords(texts: Iterable<string>, ids: ReadonlyMap<string, number>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of preTokens(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({
    ids: Array.from(toByteCharacters(word), (character) => ids.get(character) ?? 0),
    count,
  }));
}

/** Two adjacent tokens and their count in the corpus. */
interface PairCount {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** Most frequent first, then smaller ids: a total order, so that the result does not depend on insertion order. */
function byFrequency(a: PairCount, b: PairCount): number {
  return b.count - a.count || a.left - b.left || a.right - b.right;
}

/** The count of each pair of adjacent tokens and the words that have it, maintained through merges. */
class PairTable {
  readonly #counts = new Map<number, number>();
  readonly #wordsOf = new Map<number, Set<Word>>();
  /** Entries may be stale, so their count is compared with the current one when they are removed. */
  readonly #queue = new TinyQueue<PairCount>([], byFrequency);

  constructor(words: readonly Word[]) {
    for (const word of words) this.#count(word, 1);
    for (const pair of this.#counts.keys()) this.#enqueue(pair);
  }

  /** Removes and returns the most frequent pair with its current count. */
  mostFrequent(): PairCount | undefined {
    for (let entry = this.#queue.pop(); entry !== undefined; entry = this.#queue.pop()) {
      const pair = pairKey(entry.left, entry.right);
      const count = this.#counts.get(pair) ?? 0;
      if (count === entry.count && count > 0) return entry;
      // It became rarer: queue it again at its new place. A pair that became more frequent was queued again then.
      if (count < entry.count) this.#enqueue(pair);
    }
    return undefined;
  }

  /** Replaces the pair by one token in every word that has it, from left to right. */
  merge(left: number, right: number, merged: number): void {
    const holders = this.#wordsOf.get(pairKey(left, right)) ?? new Set();
    const touched = new Set<number>();
    for (const word of holders) {
      this.#count(word, -1);
      word.ids = replacePair(word.ids, left, right, merged);
      this.#count(word, 1, merged, touched);
    }
    this.#wordsOf.delete(pairKey(left, right));
    // Only pairs with the new token can have become more frequent.
    for (const pair of touched) this.#enqueue(pair);
  }

  // Adds or removes the pairs of a word; collects the pairs that include the token `watched`.
  #count(word: Word, sign: 1 | -1, watched = -1, touched = new Set<number>()): void {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const left = word.ids[i] ?? 0;
      const right = word.ids[i + 1] ?? 0;
      const pair = pairKey(left, right);
      this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + sign * word.count);
      if (sign === -1) continue;
      if (left === watched || right === watched) touched.add(pair);
      const holders = this.#wordsOf.get(pair);
      if (holders === undefined) this.#wordsOf.set(pair, new Set([word]));
      else holders.add(word);
    }
  }

  #enqueue(pair: number): void {
    const count = this.#counts.get(pair) ?? 0;
    if (count > 0) this.#queue.push({ left: Math.floor(pair / ID_RANGE), right: pair % ID_RANGE, count });
  }
}

/** Upper bound of ids, so that a pair of ids fits one exact number. */
const ID_RANGE = 2 ** 24;

function pairKey(left: number, right: number): number {
  return left * ID_RANGE + right;
}

function replacePair(ids: readonly number[], left: number, right: number, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(merged);
      i += 1;
    } else {
      out.push(ids[i] ?? 0);
    }
  }
  return out;
}
