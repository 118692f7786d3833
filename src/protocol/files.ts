/**
 * The boundary between the Files view and the thread that judges files of pairs. Files are sent once and stored by the
 * thread. It returns a survey of their rows, the scores as they are computed, and on request one pair, the measures or
 * an export. Long data are typed arrays, indexed by the place of a pair among all pairs of its file.
 */
import * as v from 'valibot';
import { FailureSchema } from './failure.ts';
import type { RulesPart, RulesProgress, RulesRequest, RulesState } from './file-rules.ts';
import type { Learning, Lesson } from './learning.ts';
import { ModelChoiceSchema } from './model-choice.ts';
import { DataSummarySchema } from './imported-data.ts';
import { LoadRequestSchema, type LoadProgress, PairSchema } from './scoring.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The scorer of a file and the state of scoring. */
export const FileScoringSchema = v.strictObject({
  choice: ModelChoiceSchema,
  modelName: v.string(),
  /** Hash of the model's files, because another model must not continue its scores. */
  modelHash: v.string(),
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  /** What computes, such as a GPU by its name. */
  adapter: v.optional(v.string()),
  /** The names of the model's labels, worst first. */
  labelNames: v.array(v.string()),
  rubric: v.array(v.string()),
  /** The names of the labels of grades and corrections, worst first. */
  gradeNames: v.array(v.string()),
  /** [grades] how the file writes each grade, the most frequent ways. */
  gradeTexts: v.optional(v.array(v.array(v.string())), []),
  /** The grade that each label of the model counts as. */
  mapping: v.array(count),
  /** The text folding of the model, which BM25 uses too. */
  folding: v.picklist([1, 2]),
  givesReasons: v.boolean(),
  /** Queries of the file that the model was trained on, of those it can decide; null if its card lists none. */
  trainedOn: v.nullable(v.strictObject({ queries: count, known: count })),
  /** Sentences that a person should read before relying on the scores. */
  warnings: v.array(v.string()),
  /** The number of pairs to score, from the first of the file. */
  pairs: count,
  state: v.picklist(['running', 'paused', 'done']),
  /** Measured on the first pairs when the model is loaded, in milliseconds; not kept. */
  msPerPair: v.optional(v.number()),
});
export type FileScoring = v.InferOutput<typeof FileScoringSchema>;

/** A file that is kept here. */
export const FileEntrySchema = v.strictObject({
  id: v.string(),
  name: v.string(),
  /** Milliseconds since 1970. */
  createdAt: v.number(),
  sizeBytes: count,
  scored: count,
  scoring: v.nullable(FileScoringSchema),
});
export type FileEntry = v.InferOutput<typeof FileEntrySchema>;

export const FileListSchema = v.strictObject({
  entries: v.array(FileEntrySchema),
  /** Ids of records that cannot be read; they can only be deleted. */
  damaged: v.array(v.string()),
});
export type FileList = v.InferOutput<typeof FileListSchema>;

/**
 * The first rows of a file and the role of each column: an attribute of the document, or null for a column kept
 * unchanged.
 */
export const PreviewSchema = v.strictObject({
  name: v.string(),
  columns: v.array(v.strictObject({ name: v.string(), role: v.nullable(v.string()) })),
  /** [rows, columns] */
  rows: v.array(v.array(v.string())),
});
export type Preview = v.InferOutput<typeof PreviewSchema>;

/** What was read from a file with its columns. */
export const FileSurveySchema = v.strictObject({
  pairs: count,
  queries: count,
  documents: count,
  grades: DataSummarySchema.entries.grades,
  gradeCount: count,
  refused: count,
  refusals: v.array(v.string()),
  findings: v.array(v.string()),
});
export type FileSurvey = v.InferOutput<typeof FileSurveySchema>;

/** What a person said of how files are read; empty for what is found. */
export const FileReadingSchema = v.strictObject({
  /** The name of a layout. */
  format: v.string(),
  /** The name of a sheet. */
  sheet: v.string(),
});
export type FileReading = v.InferOutput<typeof FileReadingSchema>;

/** Files that can be judged together. */
export const MAX_FILES = 20;

/** A file as it is open. */
export const OpenedFileSchema = v.strictObject({
  entry: FileEntrySchema,
  /** Of the pairs and, if they are in a second file, of the documents. */
  previews: v.array(PreviewSchema),
  /** The roles that a column can have. */
  roles: v.array(v.string()),
  columns: v.record(v.string(), v.string()),
  grades: v.string(),
  reading: FileReadingSchema,
  /** How the files belong together; null where they do not. */
  layout: v.nullable(v.strictObject({ name: v.string(), title: v.string() })),
  /** The names of all layouts. */
  layouts: v.array(v.string()),
  /** The sheets of workbooks. */
  sheets: v.array(v.string()),
  /** What a person should know of how the files are read, a sentence each. */
  notes: v.array(v.string()),
  isMapped: v.boolean(),
  /** Whether columns and grades were copied from an earlier file with the same columns. */
  isRemembered: v.boolean(),
  survey: v.nullable(FileSurveySchema),
  /** Why it cannot be read with these columns. */
  failure: v.nullable(FailureSchema),
});
export type OpenedFile = v.InferOutput<typeof OpenedFileSchema>;

/** Scores of a batch of pairs. */
export const FileScoresSchema = v.strictObject({
  /** [n] ascending */
  places: v.instance(Int32Array),
  /** [n,R] the distribution over the labels */
  probabilities: v.instance(Float64Array),
  /** [n] 1 where words were cut to fit the model */
  cut: v.instance(Uint8Array),
  unfit: v.array(v.strictObject({ row: count, message: v.string() })),
});
export type FileScores = v.InferOutput<typeof FileScoresSchema>;

/** A person's label of a pair, or null for none; the last correction of a pair counts. */
export const CorrectionSchema = v.strictObject({
  /** The row in the file, which does not depend on the columns. */
  row: count,
  label: v.nullable(count),
  author: v.string(),
  /** Milliseconds since 1970. */
  at: v.number(),
});
export type Correction = v.InferOutput<typeof CorrectionSchema>;

/** What other tabs have changed of the open file. */
export const CaughtUpSchema = v.strictObject({
  /** All corrections, oldest first. */
  corrections: v.array(CorrectionSchema),
  /** Whether it is read or scored in another way than here, so that it must be opened again. */
  isOther: v.boolean(),
});
export type CaughtUp = v.InferOutput<typeof CaughtUpSchema>;

/** All pairs of a file that is being scored, N in number. */
export const FileTableSchema = v.strictObject({
  scoring: FileScoringSchema,
  /** [N] the rows of the file. */
  rows: v.instance(Int32Array),
  /** [N] into `queries`. */
  queryOf: v.instance(Int32Array),
  queries: v.array(v.strictObject({ id: v.string(), text: v.string() })),
  titles: v.array(v.string()),
  docIds: v.array(v.string()),
  /** [N] the label of the grade in the file; -1 for none. */
  golds: v.instance(Int8Array),
  scores: v.array(FileScoresSchema),
  corrections: v.array(CorrectionSchema),
});
export type FileTable = v.InferOutput<typeof FileTableSchema>;

const MeasuredSchema = v.strictObject({
  value: v.nullable(v.number()),
  low: v.optional(v.number()),
  high: v.optional(v.number()),
});
export type FileMeasured = v.InferOutput<typeof MeasuredSchema>;

/** The agreement of scores and grades; corrections count as grades. */
export const FileMeasuresSchema = v.strictObject({
  /** Different pairs with one grade. */
  graded: count,
  repeated: count,
  conflicting: count,
  cut: count,
  accuracy: MeasuredSchema,
  majorityAccuracy: MeasuredSchema,
  kappa: MeasuredSchema,
  ndcg10: MeasuredSchema,
  pairAccuracy: MeasuredSchema,
  bm25Ndcg10: MeasuredSchema,
  bm25PairAccuracy: MeasuredSchema,
  /** Whether labels are as often right as they are sure, by how sure they are. */
  reliability: v.array(
    v.strictObject({ low: v.number(), high: v.number(), answers: count, right: count, confidence: v.number() }),
  ),
  /** What is left if labels below a confidence go to a person, in steps of 1 %. */
  abstention: v.array(v.strictObject({ threshold: v.number(), answered: count, right: count })),
  /** How far judges agree, a sentence each; none where no pair has two. */
  judges: v.array(v.string()),
  /** Sentences on queries that contribute little or nothing to the measures. */
  notes: v.array(v.string()),
});
export type FileMeasures = v.InferOutput<typeof FileMeasuresSchema>;

export const FileScoringEventSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('scores'), scores: FileScoresSchema }),
  v.strictObject({ kind: v.literal('ended'), state: v.picklist(['paused', 'done']) }),
  v.strictObject({ kind: v.literal('failed'), ...FailureSchema.entries }),
]);
export type FileScoringEvent = v.InferOutput<typeof FileScoringEventSchema>;

/** The model to load, and its origin; null for the own rules of the file, which the thread keeps. */
export const PrepareRequestSchema = v.strictObject({ choice: ModelChoiceSchema, load: v.nullable(LoadRequestSchema) });
export type PrepareRequest = v.InferOutput<typeof PrepareRequestSchema>;

/** What can be carried away. */
export const EXPORT_FORMATS = [
  'csv',
  'tsv',
  'jsonl',
  'parquet',
  'run',
  'qrels',
  'quepid',
  'pairs',
  'html',
  'proof',
] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const ExportedSchema = v.strictObject({
  fileName: v.string(),
  file: v.instance(Blob),
  /** Sentences on how to read the file. */
  notes: v.array(v.string()),
});
export type Exported = v.InferOutput<typeof ExportedSchema>;

/** What came of scoring some windows of a proof again. */
export const VerifiedSchema = v.strictObject({
  windows: count,
  /** Pairs that were scored again, of all. */
  pairs: count,
  of: count,
  /** Whether the file has further pairs, of which the proof says nothing. */
  hasMore: v.boolean(),
  /** The first and last rows of windows whose scores differ. */
  different: v.array(v.strictObject({ firstRow: count, lastRow: count })),
});
export type Verified = v.InferOutput<typeof VerifiedSchema>;

/** What rules say of a pair. */
export const ExplainedSchema = v.strictObject({
  /** A sentence for each rule that decides. */
  sentences: v.array(v.string()),
  /** What they rest on in the document. */
  evidence: v.array(v.string()),
});
export type Explained = v.InferOutput<typeof ExplainedSchema>;

/** A pair without some of its words. */
export const WithoutSchema = v.strictObject({
  /** The words of its document that its query has too. */
  words: v.array(v.string()),
  /** [R] without what was removed; null if nothing was. */
  probabilities: v.nullable(v.array(v.number())),
});
export type Without = v.InferOutput<typeof WithoutSchema>;

export const AddFilesSchema = v.strictObject({
  files: v.pipe(
    v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })),
    v.minLength(1),
    v.maxLength(MAX_FILES),
  ),
});
export type AddFiles = v.InferOutput<typeof AddFilesSchema>;

export const FilePairSchema = PairSchema;

/** The interface of the thread. It has one file open; arguments are untrusted until parsed. */
export interface FilesApi {
  list(): Promise<FileList>;
  /** Stores files and opens them. */
  add(request: AddFiles): Promise<OpenedFile>;
  open(id: string): Promise<OpenedFile>;
  remove(id: string): Promise<void>;
  /**
   * Sets how files are read, the roles of columns and the meanings of grades.
   *
   * @param isMapped - whether a person has confirmed them
   */
  map(columns: Record<string, string>, grades: string, isMapped: boolean, reading?: FileReading): Promise<OpenedFile>;
  /** Loads a model for the open file and describes it. */
  prepare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void): Promise<FileScoring>;
  /**
   * Starts scoring with the prepared model; earlier scores are deleted, corrections are kept.
   *
   * @param limit - 0 for all
   */
  begin(limit: number): Promise<FileTable>;
  /** The pairs of the open file with their scores and corrections. */
  table(): Promise<FileTable>;
  /** [N] the rank of each pair of the table by BM25 among the documents of its query, from 1; equal scores share one. */
  bm25Ranks(): Promise<Int32Array<ArrayBuffer>>;
  /**
   * Scores the pairs of the open file without a score, until the end or {@link pause}. Events end with `ended` or
   * `failed`.
   */
  score(emit: (event: FileScoringEvent) => void): Promise<void>;
  pause(): Promise<void>;
  pair(place: number): Promise<v.InferOutput<typeof FilePairSchema>>;
  /**
   * Scores a pair without some pieces of its document, and names the words that its query has too.
   *
   * @param removed - each at every occurrence; none for the words alone, which needs no model
   */
  without(place: number, removed: readonly string[]): Promise<Without>;
  /**
   * For each pair the sentence of the first rule that leads to its label, as executed on the pair; null where the rules
   * lead to another label or there is no score, for all pairs if the scorer that is loaded gives no reasons.
   */
  reasonsAt(places: readonly number[]): Promise<(string | null)[]>;
  /** What the rules that score the file say of a pair; null if a model scores it. */
  explain(place: number): Promise<Explained | null>;
  correct(correction: Correction): Promise<void>;
  /** Removes a correction, the last of those that are equal. */
  undoCorrection(correction: Correction): Promise<void>;
  /** Reads again what other tabs may have changed. */
  catchUp(): Promise<CaughtUp>;
  /** Null without grades. */
  measure(): Promise<FileMeasures | null>;
  exportFile(format: ExportFormat): Promise<Exported>;
  /** The pairs of the open file to learn from, with what is to be kept of the lesson once it begins. */
  lesson(): Promise<Lesson>;
  /** Keeps how far the lesson of a file came, whichever file is open; null forgets it. */
  keepLearning(fileId: string, learning: Learning | null): Promise<void>;
  /** The last lesson of the open file; null if there was none. */
  learning(): Promise<Learning | null>;
  /**
   * Compares the model that learned, on held-out queries, with the scores of the file, and keeps the result.
   *
   * @param fileId - of the open file
   */
  compare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void, fileId: string): Promise<Learning>;
  /**
   * Finds, reads or changes the rules of the open file, and keeps them with it.
   *
   * @param onProgress - of finding them
   */
  rules(request: RulesRequest, onProgress: (progress: RulesProgress) => void): Promise<RulesState>;
  /** Ends the search for rules; those before it stay. */
  stopRules(): Promise<void>;
  /** The rules of the open file as a file that `lab score --rules-alone` and `lab piar --start` read. */
  rulesFile(part: RulesPart): Promise<Exported>;
  /**
   * Checks a proof of scores of the open file with the model that is prepared.
   *
   * @param windows - to score again; 0 for all
   */
  verify(proof: Blob, windows: number): Promise<Verified>;
}
