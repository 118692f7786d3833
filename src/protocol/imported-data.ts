/**
 * Imported data as it crosses threads: the chosen files on the way in, and a summary of their contents on the way back.
 * The pairs themselves stay in the training worker.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Columns that a person has assigned to roles: names of columns by role. */
export type ColumnWishes = Readonly<Record<string, string>>;

/** One file of judged pairs, or one of pairs and one of documents. */
export const ReadDataRequestSchema = v.strictObject({
  files: v.pipe(v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })), v.minLength(1), v.maxLength(2)),
  /** A role whose column is in no file is an error. */
  columns: v.optional(v.record(v.string(), v.string()), {}),
});
export type ReadDataRequest = v.InferInput<typeof ReadDataRequestSchema>;

/** The columns of the files, whether they can be used or not. */
export const FileColumnsSchema = v.strictObject({
  /** In the order of the files, each name once. */
  names: v.array(v.string()),
  /** The possible roles, each with the column that it is read from; null where there is none. */
  roles: v.array(v.strictObject({ role: v.string(), column: v.nullable(v.string()) })),
});
export type FileColumns = v.InferOutput<typeof FileColumnsSchema>;

/** A summary of the files. */
export const DataSummarySchema = v.strictObject({
  name: v.string(),
  /** Identifies the data set in the settings of runs. */
  sha256: v.string(),
  pairs: count,
  queries: count,
  documents: count,
  /**
   * As the file writes them, most frequent first, at most a dozen; the label is null where a grade has none by itself.
   */
  grades: v.array(v.strictObject({ grade: v.string(), pairs: count, label: v.nullable(count) })),
  /** The number of distinct grades. */
  gradeCount: count,
  /** The smallest scale that includes all of them. */
  likelyScale: count,
  /** The number of rows left out, and the first of them, a sentence each. */
  refused: count,
  refusals: v.array(v.string()),
  /** Oddities that are not errors, a sentence each. */
  findings: v.array(v.string()),
});
export type DataSummary = v.InferOutput<typeof DataSummarySchema>;

/** An instruction, and its lexicon if that is a separate file. */
export const ReadRulesRequestSchema = v.strictObject({
  files: ReadDataRequestSchema.entries.files,
  /** The file of judged pairs that the rules apply to, as in the settings of a run. */
  data: v.unknown(),
  /** The number of labels on the scale of the run. */
  scaleSize: count,
});
export type ReadRulesRequest = v.InferInput<typeof ReadRulesRequestSchema>;

/** A summary of the user's own rules. */
export const RulesSummarySchema = v.strictObject({
  name: v.string(),
  /** Rules for the settings of a run, whose schema checks them. */
  rules: v.unknown(),
  ruleCount: count,
  tailCount: count,
  /** Training pairs whose label the rules explain with verified reasons. */
  traced: count,
  pairs: count,
  /** Whether the lexicon was built from the training documents, because there is no lexicon file. */
  isLexiconInduced: v.boolean(),
});
export type RulesSummary = v.InferOutput<typeof RulesSummarySchema>;

const PartSchema = v.strictObject({ pairs: count, queries: count });

/** An imported data set under the settings of a run. */
export const DataPlanSchema = v.strictObject({
  train: PartSchema,
  dev: PartSchema,
  test: PartSchema,
  /** Pairs that are in no split, because their grade has no label. */
  withoutLabel: count,
  /** Queries and documents that lose words to the limits of the prompt, whatever the vocabulary. */
  shortenedQueries: count,
  shortenedDocuments: count,
});
export type DataPlan = v.InferOutput<typeof DataPlanSchema>;
