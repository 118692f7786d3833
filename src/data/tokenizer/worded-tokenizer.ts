/**
 * The tokenizer of a language model that the lab did not train. It has no tokens for the elements of prompts and
 * completions, so it writes them in words: the `wording` of its file says how (relevance/prompt/wording.ts makes it).
 * Only labels are single tokens, because the first token is the answer.
 *
 * Text from others never becomes structure: `@huggingface/tokenizers` gets no added tokens and cannot find any in it.
 */
import * as v from 'valibot';
import { Tokenizer } from '@huggingface/tokenizers';
import { LabError, messageOf } from '../../common/errors.ts';
import { hashHex } from '../../common/rng.ts';
import { MAX_SCALE, MIN_SCALE } from '../../relevance/pair/labels.ts';
import { DOCUMENT_FIELDS } from '../../relevance/pair/pair.ts';
import { EOS, fieldToken, labelToken, MAX_RULES, PAD, ruleToken } from '../../relevance/pair/vocabulary.ts';
import type { Segment } from '../../relevance/trace/segments.ts';
import { traceTokenMeaning } from '../../relevance/trace/trace-token.ts';
import { type ForeignTokenizerJson, readForeignJson } from './foreign-json.ts';
import { decodeAll, type ModelTokenizer, readableTokens, type SegmentStream, tokenAt } from './model-tokenizer.ts';
import type { Token } from './token-stream.ts';
import { CRITERION_TEXTS, type ElementTexts, WordedStream } from './worded-stream.ts';

const MOST_CHARACTERS = 65_536;
const words = v.pipe(v.string(), v.maxLength(MOST_CHARACTERS));

/** The schema of a wording. */
export const wordingSchema = v.strictObject({
  /** What each label is called, the worst first; a single token each. */
  labels: v.pipe(v.array(words), v.minLength(MIN_SCALE), v.maxLength(MAX_SCALE)),
  /** What comes before a label that restates the first one. */
  restated: words,
  /** The special token that ends a completion. */
  end: words,
  /** What comes before the fields of a document. */
  document: v.optional(words, ''),
  /** The other special tokens of the lab in words, in which special tokens of this vocabulary are found. */
  words: v.record(v.string(), words),
});
export type Wording = v.InferOutput<typeof wordingSchema>;

/** Whether the contents of a `tokenizer.json` are those of a foreign vocabulary with a wording. */
export function hasWording(json: unknown): boolean {
  return v.is(v.looseObject({ wording: v.looseObject({}) }), json);
}

const FIELDS = new Set(DOCUMENT_FIELDS.map(fieldToken));
const RULES = new Set(Array.from({ length: MAX_RULES }, (_, rule) => ruleToken(rule)));

export class WordedTokenizer implements ModelTokenizer {
  readonly vocabSize: number;
  readonly fingerprint: string;
  readonly longestCompletion = 192;
  readonly hasLines = true;
  readonly wording: Wording;

  readonly #json: ForeignTokenizerJson;
  readonly #merger: Tokenizer;
  readonly #tokens: readonly Token[];
  readonly #specialIds: ReadonlyMap<string, number>;
  /** Finds the special tokens of this vocabulary, the longest first. */
  readonly #structure: RegExp | undefined;
  readonly #labelIds: readonly number[];
  readonly #endId: number;
  readonly #restated: readonly number[];
  readonly #document: readonly number[];
  readonly #words = new Map<string, readonly number[]>();
  readonly #elements: ElementTexts;

  /**
   * @param json - the parsed contents of a foreign `tokenizer.json`
   * @throws {LabError} `bad-tokenizer` naming the place; also if a label is no single token
   */
  constructor(json: unknown, wording: Wording) {
    const { json: checked, tokens, specialIds } = readForeignJson(json);
    this.wording = wording;
    this.#json = checked;
    this.#tokens = tokens;
    this.#specialIds = specialIds;
    this.#merger = openLibrary(checked);
    this.#structure = finderOf([...specialIds.keys()]);
    this.vocabSize = tokens.length;
    this.#labelIds = wording.labels.map((label) => this.#labelId(label));
    this.#endId = this.#endOf(wording.end);
    this.#restated = this.#encodeStructure(wording.restated);
    this.#document = this.#encodeStructure(wording.document);
    const { vocab, merges } = checked.model;
    this.fingerprint = hashHex(JSON.stringify([vocab, merges, checked.pre_tokenizer, checked.normalizer, wording]));
    this.#elements = this.#elementTexts();
  }

  /** A tokenizer from the parsed contents of a file that has its wording. @throws {LabError} `bad-tokenizer` */
  static fromJson(json: unknown): WordedTokenizer {
    const parsed = v.safeParse(v.looseObject({ wording: wordingSchema }), json);
    if (parsed.success) return new WordedTokenizer(json, parsed.output.wording);
    const [issue] = parsed.issues;
    throw new LabError('bad-tokenizer', {
      message: `The wording of the tokenizer file is not valid (at "${v.getDotPath(issue) ?? 'wording'}").`,
      expected: issue.expected ?? 'another value',
      got: issue.received,
      fix: 'Import the model again.',
    });
  }

  toJson(): object {
    return { ...this.#json, wording: this.wording };
  }

  encodeText(text: string): number[] {
    return this.#merger.encode(text, { add_special_tokens: false }).ids;
  }

  /** As {@link ModelTokenizer.encode}; words are never split, because the vocabulary has been trained. */
  encode(segments: readonly Segment[]): number[] {
    const ids: number[] = [];
    const firstField = segments.findIndex((segment) => segment.kind === 'special' && FIELDS.has(segment.token));
    for (const [at, segment] of segments.entries()) {
      if (at === firstField) ids.push(...this.#document);
      if (segment.kind === 'text') ids.push(...this.encodeText(segment.text));
      else if (at === 0 && isLabel(segment.token)) ids.push(this.idOf(segment.token));
      else ids.push(...this.idsWithin(segment.token));
    }
    return ids;
  }

  decode(ids: Iterable<number>): Segment[] {
    return decodeAll(this.stream(), ids);
  }

  stream(): SegmentStream {
    return new WordedStream(this, this.#elements);
  }

  decodeText(ids: Iterable<number>): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    for (const id of ids) {
      const token = this.tokenOf(id);
      if (token.kind === 'bytes') text += decoder.decode(token.bytes, { stream: true });
    }
    return text + decoder.decode();
  }

  idOf(specialToken: string): number {
    if (specialToken === EOS || specialToken === PAD) return this.#endId;
    const { labels } = this.wording;
    const label = labels.findIndex((_, k) => labelToken(labels.length, k) === specialToken);
    const id = this.#labelIds[label];
    if (id !== undefined) return id;
    throw this.#unknown(specialToken, `a label of ${labels.length}, an end or a pad`);
  }

  idsWithin(specialToken: string): readonly number[] {
    if (isLabel(specialToken)) return [...this.#restated, this.idOf(specialToken)];
    if (specialToken === EOS) return [this.#endId];
    const known = this.#words.get(specialToken);
    if (known !== undefined) return known;
    const text = Object.hasOwn(this.wording.words, specialToken) ? this.wording.words[specialToken] : undefined;
    if (text === undefined) throw this.#unknown(specialToken, 'an element that the wording has');
    const ids = this.#encodeStructure(text);
    this.#words.set(specialToken, ids);
    return ids;
  }

  tokenOf(id: number): Token {
    return tokenAt(this.#tokens, id);
  }

  tokenTexts(ids: Iterable<number>): string[] {
    return readableTokens(this, ids);
  }

  labelIds(scaleSize: number): number[] {
    if (scaleSize === this.#labelIds.length) return [...this.#labelIds];
    throw new LabError('bad-tokenizer', {
      message: `The model is asked for ${scaleSize} labels.`,
      expected: `the ${this.#labelIds.length} labels of its wording: ${this.wording.labels.join(', ')}`,
    });
  }

  /** Ids of words of the lab's own, in which special tokens of this vocabulary are structure. */
  #encodeStructure(text: string): number[] {
    const pieces = this.#structure === undefined ? [text] : text.split(this.#structure);
    return pieces.flatMap((piece) => {
      const id = this.#specialIds.get(piece);
      if (id !== undefined) return [id];
      return piece === '' ? [] : this.encodeText(piece);
    });
  }

  #labelId(label: string): number {
    const ids = this.#encodeStructure(label);
    const [id] = ids;
    const isTaken = this.wording.labels.filter((other) => other === label).length > 1;
    if (id !== undefined && ids.length === 1 && !isTaken) return id;
    const singles = LABEL_CANDIDATES.filter((candidate) => this.#encodeStructure(candidate).length === 1);
    throw new LabError('bad-tokenizer', {
      message: `The label ${JSON.stringify(label)} is no single token of its own in this vocabulary.`,
      expected: `labels such as ${singles.map((single) => JSON.stringify(single)).join(', ') || 'none that the lab tries'}`,
      got: `${ids.length} tokens`,
    });
  }

  #endOf(token: string): number {
    const id = this.#specialIds.get(token);
    if (id !== undefined) return id;
    throw this.#unknown(token, `a special token of this vocabulary that ends a turn`);
  }

  #elementTexts(): ElementTexts {
    const labels = this.wording.labels.map((label, k) => [label, labelToken(this.wording.labels.length, k)] as const);
    const elements = Object.entries(this.wording.words).filter(([token]) => {
      const kind = traceTokenMeaning(token)?.kind;
      return kind === 'rule' || kind === 'evidence' || kind === 'verdict';
    });
    const tokenOfId = new Map(labels.map(([, token], k) => [this.#labelIds[k], token]));
    return {
      lines: new Map([
        ...elements.map(([token, text]) => [text, token] as const),
        ...labels.map(([label, token]) => [this.wording.restated + label, token] as const),
      ]),
      criteria: CRITERION_TEXTS,
      isRule: (token) => RULES.has(token),
      labelOf: (id) => tokenOfId.get(id),
      endOf: (id) => (id === this.#endId ? EOS : undefined),
    };
  }

  #unknown(token: string, expected: string): LabError {
    return new LabError('bad-tokenizer', { message: 'Unknown special token.', expected, got: token });
  }
}

/** What labels may be called, the best first. */
export const LABEL_CANDIDATES = ['0', '1', '2', '3', '4', '5', 'A', 'B', 'C', 'D', 'E', 'F', 'no', 'yes'] as const;

function isLabel(token: string): boolean {
  return traceTokenMeaning(token)?.kind === 'label';
}

/** Splits a text at special tokens and keeps them. */
function finderOf(tokens: readonly string[]): RegExp | undefined {
  if (tokens.length === 0) return undefined;
  const longestFirst = tokens.toSorted((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})`, 'u');
}

/**
 * Splits off every character of the class of numbers, as the tokenizers of Python do, where the library splits off 0
 * to 9 alone.
 */
function withAllDigits(step: Step): Step {
  if (step.type === 'Digits') {
    const regex = step['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`;
    return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
  }
  const inside = step['pretokenizers'];
  return Array.isArray(inside) ? { ...step, pretokenizers: (inside as readonly Step[]).map(withAllDigits) } : step;
}

type Step = ForeignTokenizerJson['pre_tokenizer'];

/** The library's tokenizer, without what would find structure in text or add tokens to it. */
function openLibrary(json: ForeignTokenizerJson): Tokenizer {
  try {
    const pre_tokenizer = withAllDigits(json.pre_tokenizer);
    return new Tokenizer(
      { ...json, pre_tokenizer, added_tokens: [], post_processor: null, truncation: null, padding: null },
      {},
    );
  } catch (cause) {
    throw new LabError('bad-tokenizer', {
      message: 'The tokenizer file cannot be used.',
      expected: 'a byte-level BPE that @huggingface/tokenizers reads',
      got: messageOf(cause),
      cause,
    });
  }
}
