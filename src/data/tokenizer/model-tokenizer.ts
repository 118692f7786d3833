/**
 * What a model's tokenizer does, whoever trained it: the lab's own has a token for each element of a prompt or a
 * completion (tokenizer.ts), another one writes them in words (worded-tokenizer.ts). Everything else works on segments.
 */
import { LabError } from '../../common/errors.ts';
import type { Segment } from '../../relevance/trace/segments.ts';
import type { WordSplitter } from './subword-splits.ts';
import type { Token, TokenSource } from './token-stream.ts';

/** Decodes ids one by one. Joined, its pieces of text equal those of {@link ModelTokenizer.decode}. */
export interface SegmentStream {
  /**
   * The segments that an id completes; none while a character or an element is incomplete.
   *
   * @throws {LabError} `bad-tokenizer` if it is not an id.
   */
  push(id: number): Segment[];
  /** Ends the run of text; an incomplete character becomes U+FFFD. The stream can be used further. */
  end(): Segment[];
}

export interface ModelTokenizer extends TokenSource {
  /** The number of ids; they are 0 to `vocabSize - 1`. */
  readonly vocabSize: number;
  /** A hash of everything that determines encoding and decoding, for model cards. */
  readonly fingerprint: string;
  /** The most tokens of a completion that a person waits for. */
  readonly longestCompletion: number;
  /** Whether a line break begins an element, so that text within a completion has none. */
  readonly hasLines: boolean;
  /** The contents of the tokenizer file. */
  toJson(): object;
  /** The ids of a text; never includes a special token. */
  encodeText(text: string): number[];
  /**
   * The ids of a prompt or completion.
   *
   * @param splitWord - splits words before merging, for training (subword-splits.ts)
   * @throws {LabError} `bad-tokenizer` if a segment names an unknown special token.
   */
  encode(segments: readonly Segment[], splitWord?: WordSplitter): number[];
  /** Decodes ids. Each run of text tokens is one text. */
  decode(ids: Iterable<number>): Segment[];
  /** Starts an incremental decoding of a completion. */
  stream(): SegmentStream;
  /** The text of ids, without the special tokens among them. */
  decodeText(ids: Iterable<number>): string;
  /**
   * The id of a special token that is a single token in every vocabulary: a label, or an end or padding token.
   *
   * @throws {LabError} `bad-tokenizer` if there is no such special token.
   */
  idOf(specialToken: string): number;
  /**
   * The ids of a special token within a completion. No list is the beginning of another one.
   *
   * @throws {LabError} `bad-tokenizer` if there is no such special token.
   */
  idsWithin(specialToken: string): readonly number[];
  /** Each token by itself, to be read; bytes that are no whole character are shown as U+FFFD. */
  tokenTexts(ids: Iterable<number>): string[];
  /** The ids of the label tokens of a scale: entry k is label k. */
  labelIds(scaleSize: number): number[];
}

/** A special token without meaning, for ids that have no token. */
export const UNUSED: Token = { kind: 'special', token: '<|unused|>' };

/** The segments of a whole stream, each run of text tokens as one text. */
export function decodeAll(stream: SegmentStream, ids: Iterable<number>): Segment[] {
  const pieces = Array.from(ids, (id) => stream.push(id));
  return joinTexts([...pieces.flat(), ...stream.end()]);
}

/**
 * The meaning of an id. A small corpus gives a tokenizer with fewer tokens than its model has rows, and an untrained
 * model may generate any of them, so an id beyond the vocabulary is a special token without meaning.
 *
 * @param tokens - token i is entry i, without gaps
 * @throws {LabError} `bad-tokenizer` if it is not an id.
 */
export function tokenAt(tokens: readonly Token[], id: number): Token {
  const token = tokens[id];
  if (token !== undefined) return token;
  if (Number.isInteger(id) && id >= 0) return UNUSED;
  throw new LabError('bad-tokenizer', {
    message: 'Unknown token id.',
    expected: 'a whole number of at least 0',
    got: String(id),
  });
}

/** Each token by itself, to be read; bytes that are no whole character are shown as U+FFFD. */
export function readableTokens(source: TokenSource, ids: Iterable<number>): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return Array.from(ids, (id) => {
    const token = source.tokenOf(id);
    return token.kind === 'special' ? token.token : decoder.decode(token.bytes);
  });
}

/** Segments with adjacent pieces of text joined. */
function joinTexts(pieces: Iterable<Segment>): Segment[] {
  const segments: Segment[] = [];
  for (const piece of pieces) {
    const last = segments.at(-1);
    if (piece.kind === 'text' && last?.kind === 'text') {
      segments[segments.length - 1] = { kind: 'text', text: last.text + piece.text };
    } else segments.push(piece);
  }
  return segments;
}
