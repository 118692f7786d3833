/**
 * What a policy answers to some fixed held-out pairs at a measurement, as messages and recordings hold it.
 */
import * as v from 'valibot';

/** Held-out pairs that are followed at most; the first ones of the run's dev split. */
export const MAX_RECORDED_PAIRS = 240;
/** Of probabilities, which are kept as whole numbers of this many parts. */
export const SURENESS_PARTS = 1000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Of texts in a message or a recording, in characters. */
export const MAX_RECORDED_TEXT = 2000;
const text = v.pipe(v.string(), v.maxLength(MAX_RECORDED_TEXT));
/** An index, or -1 where there is none. */
const indexOrNone = v.pipe(v.number(), v.integer(), v.minValue(-1));

/** What a policy answers greedily to the recorded pairs; the three lists are in the order of the pairs. */
export const PolicyAnswersSchema = v.strictObject({
  /** The rule that decides the answer; -1 where none is cited. */
  rules: v.array(indexOrNone),
  labels: v.array(count),
  /** The probability of that label, in thousandths. */
  sure: v.array(v.pipe(count, v.maxValue(SURENESS_PARTS))),
  /** Whole completions of a few pairs. */
  completions: v.array(v.strictObject({ pair: count, tokens: v.array(text) })),
});
export type PolicyAnswers = v.InferOutput<typeof PolicyAnswersSchema>;

export const RecordedPairSchema = v.strictObject({
  query: text,
  title: text,
  /** What else the document says, in a line; empty in recordings of earlier versions. */
  details: v.optional(text, ''),
  /** The gold label, and the rule that should decide it; -1 where the expert gives none. */
  label: count,
  rule: indexOrNone,
});
export type RecordedPair = v.InferOutput<typeof RecordedPairSchema>;
