/**
 * Imported data as it crosses threads: the files that a person chose on the way in, and on the way back what was read in
 * them. The pairs themselves stay with the thread that trains.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** One file of judged pairs, or one of pairs and one of documents. */
export const ReadDataRequestSchema = v.strictObject({
  files: v.pipe(v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })), v.minLength(1), v.maxLength(2)),
});
export type ReadDataRequest = v.InferInput<typeof ReadDataRequestSchema>;

/** What was read. */
export const DataSummarySchema = v.strictObject({
  name: v.string(),
  /** Names the data set in the settings of runs. */
  sha256: v.string(),
  pairs: count,
  queries: count,
  documents: count,
  /** As the file writes them, the most frequent first; at most a dozen. */
  grades: v.array(v.strictObject({ grade: v.string(), pairs: count })),
  /** Different grades in all. */
  gradeCount: count,
  /** The smallest scale that has all of them. */
  likelyScale: count,
  /** Rows left out, and the first of them, a sentence each. */
  refused: count,
  refusals: v.array(v.string()),
});
export type DataSummary = v.InferOutput<typeof DataSummarySchema>;

const PartSchema = v.strictObject({ pairs: count, queries: count });

/** An imported data set under the settings of a run. */
export const DataPlanSchema = v.strictObject({
  train: PartSchema,
  dev: PartSchema,
  test: PartSchema,
  /** What loses words to the limits of the prompt, whatever the vocabulary. */
  shortenedQueries: count,
  shortenedDocuments: count,
});
export type DataPlan = v.InferOutput<typeof DataPlanSchema>;
