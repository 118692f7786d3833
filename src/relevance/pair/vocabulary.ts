/**
 * The special tokens of prompts and completions. Each has one id in the tokenizer file and is never produced from a
 * user's text, because text is encoded separately from structure.
 */
import { MAX_SCALE, MIN_SCALE } from './labels.ts';
import { DOCUMENT_FIELDS, type DocumentField } from './pair.ts';

/** Rule ids reserved by the tokenizer: an instruction can grow to this many rules without a new tokenizer. */
export const MAX_RULES = 48;
/** Instruction versions that a model trained from scratch can tell apart. */
export const MAX_INSTRUCTION_VERSIONS = 4;

/** The aspects that rules look at; a step of a trace names one as its criterion. */
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

/** The findings that a step can claim. */
export const VERDICTS = ['match', 'mismatch', 'near', 'absent', 'violated'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The text that evidence was copied from. */
export const EVIDENCE_SOURCES = ['query', 'document'] as const;
export type EvidenceSource = (typeof EVIDENCE_SOURCES)[number];

/** Buckets of an overlap hint: none, some, most, all of the words that could match. */
export const HINT_BUCKETS = 4;
/** The values of the hint about numbers in the pair. */
export const NUMBER_HINTS = ['none', 'same', 'near', 'far', 'absent'] as const;
export type NumberHint = (typeof NUMBER_HINTS)[number];

/** Buckets of a share in the hints about standing, and of a rank. */
export const SHARE_BUCKETS = 8;
export const RANK_BUCKETS = 7;
/** The hints about standing, in the order of the prompt. */
export const STANDING_HINTS = ['coverage', 'score', 'relative', 'rank', 'named'] as const;
export type StandingHint = (typeof STANDING_HINTS)[number];

/**
 * The hints about meaning, in the order of the prompt: of the title, of the nearest passage, and behind the best title.
 */
export const MEANING_HINTS = ['like', 'passage', 'gap'] as const;
export type MeaningHint = (typeof MEANING_HINTS)[number];

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
/** Each scale has its own label tokens, because a 1 of 2 labels is not a 1 of 4. */
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
/** Replaces the hints about standing for a pair without its query's other documents. */
export const NO_STANDING = '<|hint:standing:absent|>';

/** The number of buckets of a hint about meaning. */
export function meaningBucketsOf(hint: MeaningHint): number {
  return hint === 'gap' ? 12 : 16;
}
export function meaningHintToken(hint: MeaningHint, bucket: number): string {
  return `<|hint:${hint}:${bucket}|>`;
}
/** Replaces the hints about meaning where there are no vectors, and the gap of a pair by itself. */
export const NO_MEANING = '<|hint:meaning:absent|>';
export const NO_GAP = '<|hint:gap:absent|>';

/** Every special token in id order: token i of every lab tokenizer is entry i of this list. */
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
 * The special tokens of a tokenizer. Tokens for hints about standing and meaning exist only where prompts use them, so
 * that other models keep their vocabularies.
 */
export function specialTokens({ standing, meaning = false }: HintKinds): readonly string[] {
  return [...SPECIAL_TOKENS, ...(standing ? STANDING_TOKENS : []), ...(meaning ? MEANING_TOKENS : [])];
}

interface HintKinds {
  readonly standing: boolean;
  readonly meaning?: boolean | undefined;
}

const STANDING_TOKENS: readonly string[] = [
  NO_STANDING,
  ...STANDING_HINTS.flatMap((hint) => range(0, bucketsOf(hint) - 1).map((bucket) => standingHintToken(hint, bucket))),
];

const MEANING_TOKENS: readonly string[] = [
  NO_MEANING,
  NO_GAP,
  ...MEANING_HINTS.flatMap((hint) =>
    range(0, meaningBucketsOf(hint) - 1).map((bucket) => meaningHintToken(hint, bucket)),
  ),
];

/** The number of buckets of a hint about standing. */
export function bucketsOf(hint: StandingHint): number {
  return hint === 'rank' ? RANK_BUCKETS : SHARE_BUCKETS;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
