/** What is stored of a judged file besides its bytes: batches of scores, and corrections. */
import * as v from 'valibot';
import { TimeSchema } from './manifest.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Scores of one batch of pairs, with the rows left out since the batch before. */
export const KeptScoresSchema = v.strictObject({
  /** [n] the places of the pairs among all pairs of the file, ascending. */
  places: v.instance(Int32Array),
  /** [n,R] the distribution over the labels. */
  probabilities: v.instance(Float64Array),
  /** [n] 1 where words were cut to fit the model. */
  cut: v.instance(Uint8Array),
  unfit: v.array(v.strictObject({ row: count, message: v.string() })),
});
export type KeptScores = v.InferOutput<typeof KeptScoresSchema>;

export const KeptCorrectionSchema = v.strictObject({
  /** The row in the file, which does not depend on the columns. */
  row: count,
  /** Null removes the grade. */
  label: v.nullable(count),
  author: v.pipe(v.string(), v.maxLength(200)),
  /** Milliseconds since 1970. */
  at: TimeSchema,
});
export type KeptCorrection = v.InferOutput<typeof KeptCorrectionSchema>;

/** Whether a stored value is the same correction. */
export function isSameCorrection(stored: unknown, { row, label, author, at }: KeptCorrection): boolean {
  const read = v.safeParse(KeptCorrectionSchema, stored);
  if (!read.success) return false;
  const { output: other } = read;
  return other.row === row && other.label === label && other.author === author && other.at === at;
}
