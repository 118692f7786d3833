/**
 * The prompt. This file alone builds it and parses it:
 *
 *     prompt    := scale instruction query field* hints? missing? standing? answer
 *     query     := <|query|> text cut?
 *     field     := <|title|> text cut?  |  ...  |  <|attributes|> (<|name|> text <|value|> text)* cut?
 *
 * Instruction and query come before the document, so that all documents of one query share a prefix, whose keys and
 * values are computed once. Empty fields are left out. Over-long fields lose their last words (never part of a word)
 * and end with a cut token. Hints come right before the answer, where a small model needs them; missing words
 * (missing-words.ts) are hints too.
 *
 * This room holds the prompt and the hints in it.
 */
import * as v from 'valibot';
import { setting, wholeNumber } from '../../config/settings.ts';
import { attributeValueText } from '../pair/document-text.ts';
import { pairHints, type PairHints } from './hints.ts';
import { MAX_SCALE, MIN_SCALE } from '../pair/labels.ts';
import { DOCUMENT_FIELDS, type DocumentField, type LabDocument, type Pair } from '../pair/pair.ts';
import { readSegments } from '../trace/segment-reader.ts';
import { type Segment, special, words } from '../trace/segments.ts';
import { STANDING_VERSIONS, standingHints, type StandingHints } from './standing.ts';
import { FOLDING_VERSIONS } from '../pair/folding.ts';
import { CURRENT_FOLDING, shownText, textFolding } from '../pair/text-folding.ts';
import {
  ANSWER,
  ATTRIBUTE_NAME,
  ATTRIBUTE_VALUE,
  bucketsOf,
  CUT,
  fieldToken,
  HINT_BUCKETS,
  instructionToken,
  MAX_INSTRUCTION_VERSIONS,
  NO_STANDING,
  NUMBER_HINTS,
  numberHintToken,
  overlapHintToken,
  QUERY,
  scaleToken,
  STANDING_HINTS,
  type StandingHint,
  standingHintToken,
  verdictToken,
} from '../pair/vocabulary.ts';
import { missingWords, SHOWN_AS, type ShownWords } from './missing-words.ts';

/** A part of the prompt that can be cut. */
export type PromptField = 'query' | DocumentField;

const wordLimit = <const Words extends number>(words: Words, field: string, help: string) =>
  setting(wholeNumber(0, 4096), words, `Words of ${field}`, help, { unit: 'words' });

/** The schema of the prompt settings. */
export const promptConfigSchema = v.strictObject({
  /** R, the number of labels. */
  scaleSize: setting(
    wholeNumber(MIN_SCALE, MAX_SCALE),
    4,
    'Labels',
    'How many the grades of the file have, 0 the worst.',
    { level: 'basic' },
  ),
  /** Distinguishes the instructions of from-scratch models, whose rules are in the weights and not in the prompt. */
  instructionVersion: setting(
    wholeNumber(0, MAX_INSTRUCTION_VERSIONS - 1),
    0,
    'Instruction',
    'Which instruction the model learns.',
    { level: 'fixed' },
  ),
  caseFold: setting(v.boolean(), true, 'Lower case', 'Small vocabularies should not spend entries on capitals.'),
  /** The folding version (text-folding.ts). Absent means version 1, as in models that predate the setting. */
  folding: v.optional(v.picklist(FOLDING_VERSIONS)),
  hints: setting(v.boolean(), true, 'Hint tokens', 'Tell the model computed word and number overlaps.'),
  standing: setting(
    v.boolean(),
    false,
    'Standing among documents',
    'Of a file: tell the model how BM25 places a document among those of its query.',
  ),
  /** The version of the standing hints (standing.ts). Absent means version 1, as in models that predate the setting. */
  standingVersion: v.optional(v.picklist(STANDING_VERSIONS)),
  /** The words of the query that the title lacks are shown behind the hints, and the query field is left out. */
  missing: v.optional(v.boolean()),
  /** Words are split at white space. */
  maxWordsPerField: setting(
    v.strictObject({
      query: wordLimit(24, 'a query', 'Longer ones are cut.'),
      title: wordLimit(24, 'a title', 'Longer ones are cut; 0 leaves titles out.'),
      brand: wordLimit(6, 'a brand', 'Longer ones are cut; 0 leaves brands out.'),
      type: wordLimit(6, 'a type', 'Longer ones are cut; 0 leaves types out.'),
      attributes: wordLimit(48, 'attributes', 'Of all together; 0 leaves them out.'),
      text: wordLimit(32, 'a text', 'Longer ones are cut; 0 leaves texts out.'),
    }),
    {},
    'Words of fields',
    'The most words of each field; those left out only hints tell of.',
  ),
});
export type PromptConfig = v.InferOutput<typeof promptConfigSchema>;

export const DEFAULT_PROMPT_CONFIG: PromptConfig = v.parse(promptConfigSchema, { folding: CURRENT_FOLDING });

/** A prompt, ready for the tokenizer. */
export interface Prompt {
  readonly segments: readonly Segment[];
  /** The fields that lost words, in prompt order. */
  readonly cutFields: readonly PromptField[];
}

/** The content of a parsed prompt: texts are tidied and cut, attributes are pairs of name and value. */
export interface PromptContent {
  readonly scaleSize: number;
  readonly instructionVersion: number;
  readonly query: string;
  readonly title: string;
  readonly brand: string;
  readonly type: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly text: string;
  readonly hints: PairHints | null;
  /** Null without words of the query. */
  readonly missing: ShownWords | null;
  /** `absent`: the prompt states that it is unknown. */
  readonly standing: StandingHints | 'absent' | null;
  /** Printed as cut tokens, but for the query's where only its missing words are shown. */
  readonly cutFields: readonly PromptField[];
}

/** The prompt of a pair, ending with the answer token. The next token is the label. */
export function buildPrompt(pair: Pair, config: PromptConfig = DEFAULT_PROMPT_CONFIG): Prompt {
  const content = promptContent(pair, config);
  return { segments: printPrompt(content), cutFields: content.cutFields };
}

/** The part of the prompt that all documents of one query share; exactly the first segments of {@link buildPrompt}. */
export function promptPrefix(query: string, config: PromptConfig = DEFAULT_PROMPT_CONFIG): Segment[] {
  const { text, isCut } = clipQuery(query, config);
  return printPrefix(config.scaleSize, config.instructionVersion, text, isCut);
}

/** The content of a pair's prompt: folded, cut, with hints. */
export function promptContent(pair: Pair, config: PromptConfig = DEFAULT_PROMPT_CONFIG): PromptContent {
  const { document } = pair;
  const missing =
    config.missing === true ? missingWords(textFolding(config.folding), pair, config.maxWordsPerField.query) : null;
  const query = missing === null ? clipQuery(pair.query, config) : { text: '', isCut: missing.isCut };
  const title = clip(document.title, 'title', config);
  const brand = clip(document.brand, 'brand', config);
  const type = clip(document.type, 'type', config);
  const attributes = clipAttributes(document, config);
  const text = clip(document.text, 'text', config);
  const parts = { query, title, brand, type, attributes, text };
  return {
    scaleSize: config.scaleSize,
    instructionVersion: config.instructionVersion,
    query: query.text,
    title: title.text,
    brand: brand.text,
    type: type.text,
    attributes: attributes.pairs,
    text: text.text,
    hints: config.hints ? pairHints(textFolding(config.folding), pair) : null,
    missing: missing === null ? null : missing.shown,
    standing: config.standing ? standingOf(pair, config) : null,
    cutFields: PROMPT_FIELDS.filter((field) => parts[field].isCut),
  };
}

/** Content to segments; the inverse of {@link parsePrompt}. */
export function printPrompt(content: PromptContent): Segment[] {
  const cut = (field: PromptField): Segment[] => (content.cutFields.includes(field) ? [special(CUT)] : []);
  const isQueryCut = content.missing === null && content.cutFields.includes('query');
  const segments = printPrefix(content.scaleSize, content.instructionVersion, content.query, isQueryCut);
  for (const field of DOCUMENT_FIELDS) {
    const body =
      field === 'attributes'
        ? content.attributes.flatMap(([name, value]) => [
            special(ATTRIBUTE_NAME),
            ...printText(name),
            special(ATTRIBUTE_VALUE),
            ...printText(value),
          ])
        : printText(content[field]);
    const ending = cut(field);
    if (body.length + ending.length > 0) segments.push(special(fieldToken(field)), ...body, ...ending);
  }
  if (content.hints !== null) segments.push(...printHints(content.hints));
  if (content.missing !== null)
    segments.push(special(verdictToken(content.missing.as)), ...printText(content.missing.words));
  if (content.standing !== null) segments.push(...printStanding(content.standing));
  segments.push(special(ANSWER));
  return segments;
}

/**
 * Parses a prompt. Text may come in pieces, as a tokenizer decodes it.
 *
 * @throws {LabError} `bad-trace` with the position where the segments stop being a prompt.
 */
export function parsePrompt(segments: readonly Segment[]): PromptContent {
  const reader = readSegments('prompt', segments);
  const cutFields: PromptField[] = [];
  const readCut = (field: PromptField): void => {
    if (reader.take(CUT)) cutFields.push(field);
  };
  const readField = (field: DocumentField): string => {
    if (!reader.take(fieldToken(field))) return '';
    const text = reader.text();
    readCut(field);
    return text;
  };

  const scaleSize = reader.oneOf('a scale token', wholeNumbers(MIN_SCALE, MAX_SCALE), scaleToken);
  const versions = wholeNumbers(0, MAX_INSTRUCTION_VERSIONS - 1);
  const instructionVersion = reader.oneOf('an instruction token', versions, instructionToken);
  reader.expect(QUERY);
  const query = reader.text();
  readCut('query');
  const title = readField('title');
  const brand = readField('brand');
  const type = readField('type');
  const attributes: (readonly [string, string])[] = [];
  if (reader.take(fieldToken('attributes'))) {
    while (reader.take(ATTRIBUTE_NAME)) {
      const name = reader.text();
      reader.expect(ATTRIBUTE_VALUE);
      attributes.push([name, reader.text()]);
    }
    readCut('attributes');
  }
  const text = readField('text');
  const isStandingNext = (): boolean =>
    reader.isNext(NO_STANDING) || COVERAGE_TOKENS.some((token) => reader.isNext(token));
  const isMissingNext = SHOWN_AS.some((as) => reader.isNext(verdictToken(as)));
  const hints = reader.isNext(ANSWER) || isMissingNext || isStandingNext() ? null : readHints(reader);
  const missing = readMissing(reader);
  const standing = isStandingNext() ? readStanding(reader) : null;
  reader.expect(ANSWER);
  reader.expectEnd();
  return {
    scaleSize,
    instructionVersion,
    query,
    title,
    brand,
    type,
    attributes,
    text,
    hints,
    missing,
    standing,
    cutFields,
  };
}

const COVERAGE_TOKENS = wholeNumbers(0, bucketsOf('coverage') - 1).map((bucket) =>
  standingHintToken('coverage', bucket),
);

/** The parts of a prompt that can be cut, in prompt order. */
export const PROMPT_FIELDS = ['query', ...DOCUMENT_FIELDS] as const;

function printPrefix(scaleSize: number, instructionVersion: number, query: string, isCut: boolean): Segment[] {
  const opening = [special(scaleToken(scaleSize)), special(instructionToken(instructionVersion)), special(QUERY)];
  return [...opening, ...printText(query), ...(isCut ? [special(CUT)] : [])];
}

function printText(text: string): Segment[] {
  return text === '' ? [] : [words(text)];
}

function printHints(hints: PairHints): Segment[] {
  return [
    special(overlapHintToken('query', hints.query)),
    ...DOCUMENT_FIELDS.map((field) => special(overlapHintToken(field, hints.overlap[field]))),
    special(numberHintToken(hints.number)),
  ];
}

function readHints(reader: ReturnType<typeof readSegments>): PairHints {
  const bucket = (field: PromptField): number =>
    reader.oneOf(`a hint about ${field}`, wholeNumbers(0, HINT_BUCKETS - 1), (value) => overlapHintToken(field, value));
  const query = bucket('query');
  const [title, brand, type] = [bucket('title'), bucket('brand'), bucket('type')];
  const [attributes, text] = [bucket('attributes'), bucket('text')];
  const number = reader.oneOf('a hint about numbers', NUMBER_HINTS, numberHintToken);
  return { query, overlap: { title, brand, type, attributes, text }, number };
}

function readMissing(reader: ReturnType<typeof readSegments>): ShownWords | null {
  const as = SHOWN_AS.find((each) => reader.take(verdictToken(each)));
  return as === undefined ? null : { as, words: reader.text() };
}

function standingOf(pair: Pair, { folding, standingVersion }: PromptConfig): StandingHints | 'absent' {
  if (pair.standing === undefined) return 'absent';
  return standingHints(textFolding(folding), pair, pair.standing, standingVersion);
}

function printStanding(standing: StandingHints | 'absent'): Segment[] {
  if (standing === 'absent') return [special(NO_STANDING)];
  return STANDING_HINTS.map((hint) => special(standingHintToken(hint, standing[hint])));
}

function readStanding(reader: ReturnType<typeof readSegments>): StandingHints | 'absent' {
  if (reader.take(NO_STANDING)) return 'absent';
  const bucket = (hint: StandingHint): number =>
    reader.oneOf(`a hint about ${hint}`, wholeNumbers(0, bucketsOf(hint) - 1), (value) =>
      standingHintToken(hint, value),
    );
  const [coverage, score, relative] = [bucket('coverage'), bucket('score'), bucket('relative')];
  const [rank, named] = [bucket('rank'), bucket('named')];
  return { coverage, score, relative, rank, named };
}

/** The query field; empty where only its missing words are shown. */
function clipQuery(query: string, config: PromptConfig): { text: string; isCut: boolean } {
  return config.missing === true ? { text: '', isCut: false } : clip(query, 'query', config);
}

/** A field's text as the prompt shows it. */
function clip(text: string, field: PromptField, config: PromptConfig): { text: string; isCut: boolean } {
  const limit = config.maxWordsPerField[field];
  return limit === 0 ? { text: '', isCut: false } : clipWords(normalise(text, config), limit);
}

/** The attributes that fit; the word limit counts names and values, and the last value may be cut. */
function clipAttributes(
  document: LabDocument,
  config: PromptConfig,
): { pairs: (readonly [string, string])[]; isCut: boolean } {
  const pairs: (readonly [string, string])[] = [];
  let room = config.maxWordsPerField.attributes;
  if (room === 0) return { pairs, isCut: false };
  for (const [rawName, rawValue] of Object.entries(document.attributes)) {
    const name = normalise(rawName, config);
    const value = clipWords(normalise(attributeValueText(rawValue), config), room - countWords(name));
    if (value.text === '' && value.isCut) return { pairs, isCut: true };
    if (value.text === '') continue;
    pairs.push([name, value.text]);
    if (value.isCut) return { pairs, isCut: true };
    room -= countWords(name) + countWords(value.text);
  }
  return { pairs, isCut: false };
}

function normalise(text: string, config: PromptConfig): string {
  return shownText(textFolding(config.folding), text, config.caseFold);
}

function clipWords(tidied: string, limit: number): { text: string; isCut: boolean } {
  if (countWords(tidied) <= limit) return { text: tidied, isCut: false };
  return { text: tidied.split(' ').slice(0, Math.max(limit, 0)).join(' '), isCut: true };
}

function countWords(tidied: string): number {
  return tidied === '' ? 0 : tidied.split(' ').length;
}

function wholeNumbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
