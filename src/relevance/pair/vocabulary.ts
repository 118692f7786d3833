/**
 * The special tokens of prompts and completions. They are part of the tokenizer file, one id each, and are never
 * produced from a user's text: text is encoded separately from structure.
 */
import { MAX_SCALE, MIN_SCALE } from './labels.ts';
import { DOCUMENT_FIELDS, type DocumentField } from './pair.ts';

/** How many rule ids the tokenizer reserves: an instruction can grow to this many rules without a new tokenizer. */
export const MAX_RULES = 48;
/** How many instruction versions can be told apart by a from-scratch model. */
export const MAX_INSTRUCTION_VERSIONS = 4;

/** What a rule looks at; also what a step of a trace names as its criterion. */
export const CRITERIA = [
  'type',
  'brand',
  'attribute',
  'quantity',
  'negation',
  'accessory',
  'audience',
  'overall',
] as const;
export type Criterion = (typeof CRITERIA)[number];

/** What a step says it found. */
export const VERDICTS = ['match', 'mismatch', 'near', 'absent', 'violated'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Where a piece of evidence was copied from. */
export const EVIDENCE_SOURCES = ['query', 'document'] as const;
export type EvidenceSource = (typeof EVIDENCE_SOURCES)[number];

/** Buckets of an overlap hint: none, some, most, all of the words that could match. */
export const HINT_BUCKETS = 4;
/** What hint tokens tell about numbers in the pair. */
export const NUMBER_HINTS = ['none', 'same', 'near', 'far', 'absent'] as const;
export type NumberHint = (typeof NUMBER_HINTS)[number];

/** Buckets of a share in the hints about standing, and of a place. */
export const SHARE_BUCKETS = 8;
export const RANK_BUCKETS = 7;
/** What those hints tell, in the order of the prompt. */
export const STANDING_HINTS = ['coverage', 'score', 'relative', 'rank', 'named'] as const;
export type StandingHint = (typeof STANDING_HINTS)[number];

export const PAD = '<|pad|>';
export const EOS = '<|eos|>';
export const QUERY = '<|query|>';
export const ANSWER = '<|answer|>';
export const ATTRIBUTE_NAME = '<|name|>';
export const ATTRIBUTE_VALUE = '<|value|>';
export const CUT = '<|cut|>';

export function scaleToken(scaleSize: number): string {
  return `<|scale:${scaleSize}|>`;
}
/** Each scale has label tokens of its own: a 1 of 2 labels is not a 1 of 4. */
export function labelToken(scaleSize: number, label: number): string {
  return `<|label:${scaleSize}:${label}|>`;
}
export function instructionToken(version: number): string {
  return `<|instruction:${version}|>`;
}
export function fieldToken(field: DocumentField): string {
  return `<|${field}|>`;
}
export function ruleToken(index: number): string {
  return `<|rule:${index}|>`;
}
export function criterionToken(criterion: Criterion): string {
  return `<|criterion:${criterion}|>`;
}
export function evidenceToken(source: EvidenceSource): string {
  return `<|evidence:${source}|>`;
}
export function verdictToken(verdict: Verdict): string {
  return `<|verdict:${verdict}|>`;
}
export function overlapHintToken(field: DocumentField | 'query', bucket: number): string {
  return `<|hint:${field}:${bucket}|>`;
}
export function numberHintToken(hint: NumberHint): string {
  return `<|hint:number:${hint}|>`;
}

export function standingHintToken(hint: StandingHint, bucket: number): string {
  return `<|hint:${hint}:${bucket}|>`;
}
/** Stands where hints about standing are expected and a pair is by itself. */
export const NO_STANDING = '<|hint:standing:absent|>';

/** Every special token in the order of its id: token i of every lab tokenizer is entry i of this list. */
export const SPECIAL_TOKENS: readonly string[] = [
  PAD,
  EOS,
  QUERY,
  ANSWER,
  ATTRIBUTE_NAME,
  ATTRIBUTE_VALUE,
  CUT,
  ...DOCUMENT_FIELDS.map(fieldToken),
  ...range(MIN_SCALE, MAX_SCALE).map(scaleToken),
  ...range(MIN_SCALE, MAX_SCALE).flatMap((size) => range(0, size - 1).map((label) => labelToken(size, label))),
  ...range(0, MAX_INSTRUCTION_VERSIONS - 1).map(instructionToken),
  ...range(0, MAX_RULES - 1).map(ruleToken),
  ...CRITERIA.map(criterionToken),
  ...EVIDENCE_SOURCES.map(evidenceToken),
  ...VERDICTS.map(verdictToken),
  ...(['query', ...DOCUMENT_FIELDS] as const).flatMap((field) =>
    range(0, HINT_BUCKETS - 1).map((bucket) => overlapHintToken(field, bucket)),
  ),
  ...NUMBER_HINTS.map(numberHintToken),
];

/**
 * The special tokens of a tokenizer: hints about standing have tokens only where prompts use them, so that others keep
 * their vocabularies.
 */
export function specialTokens({ standing }: { readonly standing: boolean }): readonly string[] {
  return standing ? [...SPECIAL_TOKENS, ...STANDING_TOKENS] : SPECIAL_TOKENS;
}

const STANDING_TOKENS: readonly string[] = [
  NO_STANDING,
  ...STANDING_HINTS.flatMap((hint) => range(0, bucketsOf(hint) - 1).map((bucket) => standingHintToken(hint, bucket))),
];

/** How many buckets a hint about standing has. */
export function bucketsOf(hint: StandingHint): number {
  return hint === 'rank' ? RANK_BUCKETS : SHARE_BUCKETS;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
