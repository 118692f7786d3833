/**
 * Converts text and structure to token ids and back.
 *
 * Special tokens are looked up by name; text goes through byte-level BPE only, so that a query with the text
 * `<|answer|>` stays harmless text. `@huggingface/tokenizers` does the merging; it gets no added tokens and so cannot
 * find any in text. Each distinct pre-token is merged once and cached, because the words of a corpus repeat.
 *
 * Decoding restores what was encoded, except that adjacent pieces of text are joined, and that what UTF-8 cannot encode
 * (lone surrogates, incomplete characters) becomes U+FFFD.
 *
 * This room holds the conversion between text and token ids: the BPE trainer, tokenizer files and prompt encoding.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { LabError } from '../../common/errors.ts';
import { hashHex } from '../../common/rng.ts';
import type { Segment } from '../../relevance/trace/segments.ts';
import { labelToken, NO_MEANING, NO_STANDING, specialTokens } from '../../relevance/pair/vocabulary.ts';
import { fromByteCharacters, preTokens } from './byte-level.ts';
import { decodeAll, type ModelTokenizer, readableTokens, type SegmentStream, tokenAt } from './model-tokenizer.ts';
import type { WordSplitter } from './subword-splits.ts';
import { TokenStream, type Token } from './token-stream.ts';
import {
  holdsToken,
  makeTokenizerJson,
  readTokenizerJson,
  type BpeModel,
  type TokenizerJson,
} from './tokenizer-json.ts';

/** The number of pre-tokens per cache generation, and the longest pre-token cached, in UTF-16 units. */
const CACHED_WORDS = 16384;
const MAX_CACHED_LENGTH = 48;

/** The tokenizer of a lab model. */
export class LabTokenizer implements ModelTokenizer {
  /** The number of ids; they are 0 to `vocabSize - 1`. */
  readonly vocabSize: number;
  /** An 8-digit hash of everything that determines encoding and decoding, for model cards. */
  readonly fingerprint: string;
  readonly longestCompletion = 64;
  readonly hasLines = false;

  readonly #model: BpeModel;
  readonly #merger: Tokenizer;
  readonly #tokens: readonly Token[];
  readonly #specialIds: ReadonlyMap<string, number>;
  #youngWords = new Map<string, readonly number[]>();
  #oldWords: ReadonlyMap<string, readonly number[]> = new Map();

  private constructor(model: BpeModel) {
    this.#model = model;
    this.#merger = new Tokenizer({ ...makeTokenizerJson(model), added_tokens: [] }, {});
    this.#specialIds = new Map(model.specialTokens.map((token, id) => [token, id]));
    this.#tokens = model.tokens.map((token, id) =>
      id < model.specialTokens.length
        ? { kind: 'special', token }
        : { kind: 'bytes', bytes: fromByteCharacters(token) ?? new Uint8Array() },
    );
    this.vocabSize = model.tokens.length;
    this.fingerprint = hashHex(JSON.stringify([model.tokens, model.merges, model.specialTokens.length]));
  }

  /**
   * A tokenizer from the parsed contents of a `tokenizer.json`.
   *
   * @throws {LabError} `bad-tokenizer` if it was not trained by this version of the lab.
   */
  static fromJson(json: unknown): LabTokenizer {
    const [standing, meaning] = [holdsToken(json, NO_STANDING), holdsToken(json, NO_MEANING)];
    return new LabTokenizer(readTokenizerJson(json, specialTokens({ standing, meaning })));
  }

  /** The contents of the tokenizer file. */
  toJson(): TokenizerJson {
    return makeTokenizerJson(this.#model);
  }

  /** The ids of a text; never includes a special token. */
  encodeText(text: string): number[] {
    const ids: number[] = [];
    this.#appendText(text, ids);
    return ids;
  }

  /**
   * The ids of a prompt or completion.
   *
   * @param splitWord - splits words before merging, for training (subword-splits.ts)
   * @throws {LabError} `bad-tokenizer` if a segment names an unknown special token.
   */
  encode(segments: readonly Segment[], splitWord?: WordSplitter): number[] {
    const ids: number[] = [];
    for (const segment of segments) {
      if (segment.kind === 'special') ids.push(this.idOf(segment.token));
      else this.#appendText(segment.text, ids, splitWord);
    }
    return ids;
  }

  /** Decodes ids. Each run of text tokens is one text; see {@link TokenStream} for incremental decoding. */
  decode(ids: Iterable<number>): Segment[] {
    return decodeAll(this.stream(), ids);
  }

  /** An incremental decoding. */
  stream(): SegmentStream {
    return new TokenStream(this);
  }

  /** The text of ids, without the special tokens among them. */
  decodeText(ids: Iterable<number>): string {
    return this.decode(ids)
      .map((segment) => (segment.kind === 'text' ? segment.text : ''))
      .join('');
  }

  /**
   * The id of a special token.
   *
   * @throws {LabError} `bad-tokenizer` if there is no such special token.
   */
  idOf(specialToken: string): number {
    const id = this.#specialIds.get(specialToken);
    if (id !== undefined) return id;
    throw new LabError('bad-tokenizer', {
      message: 'Unknown special token.',
      expected: 'an entry of SPECIAL_TOKENS',
      got: specialToken,
    });
  }

  /** Every special token is a single one. */
  idsWithin(specialToken: string): readonly number[] {
    return [this.idOf(specialToken)];
  }

  tokenOf(id: number): Token {
    return tokenAt(this.#tokens, id);
  }

  tokenTexts(ids: Iterable<number>): string[] {
    return readableTokens(this, ids);
  }

  /** The ids of the label tokens of a scale: entry k is label k. */
  labelIds(scaleSize: number): number[] {
    return Array.from({ length: scaleSize }, (_, label) => this.idOf(labelToken(scaleSize, label)));
  }

  #appendText(text: string, ids: number[], splitWord: WordSplitter = (word) => [word]): void {
    for (const word of preTokens(text)) {
      for (const piece of splitWord(word)) {
        for (const id of this.#wordIds(piece)) ids.push(id);
      }
    }
  }

  // A cache in two generations: when the young one is full, it replaces the old one. Words in use move to the young
  // one, so that the common words of a corpus are never merged twice.
  #wordIds(word: string): readonly number[] {
    const young = this.#youngWords.get(word);
    if (young !== undefined) return young;
    const ids = this.#oldWords.get(word) ?? this.#merger.encode(word, { add_special_tokens: false }).ids;
    if (word.length > MAX_CACHED_LENGTH) return ids;
    if (this.#youngWords.size >= CACHED_WORDS) {
      this.#oldWords = this.#youngWords;
      this.#youngWords = new Map();
    }
    this.#youngWords.set(word, ids);
    return ids;
  }
}
