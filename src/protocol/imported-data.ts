/**
 * Imported data as it crosses threads: the files that a person chose on the way in, and on the way back what was read in
 * them. The pairs themselves stay with the thread that trains.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Which column has which role, where a person says so: names of columns by role. */
export type ColumnWishes = Readonly<Record<string, string>>;

/** One file of judged pairs, or one of pairs and one of documents. */
export const ReadDataRequestSchema = v.strictObject({
  files: v.pipe(v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })), v.minLength(1), v.maxLength(2)),
  /** Roles that no file has a column for are refused. */
  columns: v.optional(v.record(v.string(), v.string()), {}),
});
export type ReadDataRequest = v.InferInput<typeof ReadDataRequestSchema>;

/** The columns of the files, whether they can be used or not. */
export const FileColumnsSchema = v.strictObject({
  /** In the order of the files, each name once. */
  names: v.array(v.string()),
  /** What a column can be, each with the column that it is taken for; null where there is none. */
  roles: v.array(v.strictObject({ role: v.string(), column: v.nullable(v.string()) })),
});
export type FileColumns = v.InferOutput<typeof FileColumnsSchema>;

/** What was read. */
export const DataSummarySchema = v.strictObject({
  name: v.string(),
  /** Names the data set in the settings of runs. */
  sha256: v.string(),
  pairs: count,
  queries: count,
  documents: count,
  /** As the file writes them, the most frequent first, at most a dozen; null for one that has no label by itself. */
  grades: v.array(v.strictObject({ grade: v.string(), pairs: count, label: v.nullable(count) })),
  /** Different grades in all. */
  gradeCount: count,
  /** The smallest scale that has all of them. */
  likelyScale: count,
  /** Rows left out, and the first of them, a sentence each. */
  refused: count,
  refusals: v.array(v.string()),
  /** What is strange without being an error, a sentence each. */
  findings: v.array(v.string()),
});
export type DataSummary = v.InferOutput<typeof DataSummarySchema>;

/** An instruction, and the words it knows where they are in a file of their own. */
export const ReadRulesRequestSchema = v.strictObject({
  files: ReadDataRequestSchema.entries.files,
  /** The file of judged pairs that the rules go with, as in the settings of a run. */
  data: v.unknown(),
  /** Labels on the scale of the run. */
  scaleSize: count,
});
export type ReadRulesRequest = v.InferInput<typeof ReadRulesRequestSchema>;

/** Own rules as they were read. */
export const RulesSummarySchema = v.strictObject({
  name: v.string(),
  /** For the settings of a run, whose schema checks them. */
  rules: v.unknown(),
  ruleCount: count,
  tailCount: count,
  /** Of the pairs to learn from, those whose label the rules give verified reasons for. */
  traced: count,
  pairs: count,
  /** Whether the words were taken from the documents to learn from, for want of a file of them. */
  isLexiconInduced: v.boolean(),
});
export type RulesSummary = v.InferOutput<typeof RulesSummarySchema>;

const PartSchema = v.strictObject({ pairs: count, queries: count });

/** An imported data set under the settings of a run. */
export const DataPlanSchema = v.strictObject({
  train: PartSchema,
  dev: PartSchema,
  test: PartSchema,
  /** Pairs that are in no part, because their grade has no label. */
  withoutLabel: count,
  /** What loses words to the limits of the prompt, whatever the vocabulary. */
  shortenedQueries: count,
  shortenedDocuments: count,
});
export type DataPlan = v.InferOutput<typeof DataPlanSchema>;
