/**
 * The boundary between the Files view and the thread that judges files of pairs. Files go in once, as they are, and are kept
 * there; what comes back is what was read in them, the scores as they come, and on request one pair, the measures or a file to
 * carry away. Whatever is long is in typed arrays, by the place of a pair among all pairs of its file.
 */
import * as v from 'valibot';
import { FailureSchema } from './failure.ts';
import { DataSummarySchema } from './imported-data.ts';
import { LoadRequestSchema, type LoadProgress, PairSchema } from './scoring.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A model by how a page finds it again. */
const ModelChoiceSchema = v.strictObject({
  kind: v.picklist(['bundled', 'checkpoint']),
  id: v.string(),
});
export type ModelChoice = v.InferOutput<typeof ModelChoiceSchema>;

/** By what a file is scored, and how far that is. */
export const FileScoringSchema = v.strictObject({
  choice: ModelChoiceSchema,
  modelName: v.string(),
  /** Of the files of the model: another model is not to go on with the scores of this one. */
  modelHash: v.string(),
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  /** The labels that it answers with, worst first. */
  labelNames: v.array(v.string()),
  rubric: v.array(v.string()),
  /** The names of the labels that grades and corrections have, worst first. */
  gradeNames: v.array(v.string()),
  /** Which of these each label of the model counts as. */
  mapping: v.array(count),
  /** How it reads words, and so how BM25 beside it does. */
  folding: v.picklist([1, 2]),
  givesReasons: v.boolean(),
  /** Queries of the file that it was trained on, of those that it can tell; null where it keeps none. */
  trainedOn: v.nullable(v.strictObject({ queries: count, known: count })),
  /** What should be known before the scores are believed, a sentence each. */
  warnings: v.array(v.string()),
  /** Pairs to score: the first of the file. */
  pairs: count,
  state: v.picklist(['running', 'paused', 'done']),
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

/** The first rows of a file, and what each column is: of a role, an attribute of the document, or null for kept as it is. */
export const PreviewSchema = v.strictObject({
  name: v.string(),
  columns: v.array(v.strictObject({ name: v.string(), role: v.nullable(v.string()) })),
  /** [rows, columns] */
  rows: v.array(v.array(v.string())),
});
export type Preview = v.InferOutput<typeof PreviewSchema>;

/** What was read in a file under its columns. */
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
  /** Of the pairs and, where they are in a file of their own, of the documents. */
  previews: v.array(PreviewSchema),
  /** What can be said of a column. */
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
  /** Whether columns and grades were taken over from a file of the same shape. */
  isRemembered: v.boolean(),
  survey: v.nullable(FileSurveySchema),
  /** Why it cannot be read as its columns are. */
  failure: v.nullable(FailureSchema),
});
export type OpenedFile = v.InferOutput<typeof OpenedFileSchema>;

/** Scores of some pairs, as they come. */
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

/** What a person says of a pair: a label, or null for none; the last word on a pair counts. */
export const CorrectionSchema = v.strictObject({
  /** Of the file, whatever its columns are taken for. */
  row: count,
  label: v.nullable(count),
  author: v.string(),
  /** Milliseconds since 1970. */
  at: v.number(),
});
export type Correction = v.InferOutput<typeof CorrectionSchema>;

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
  /** [N] among the documents of the query, from 1; equal scores share a rank. */
  bm25Ranks: v.instance(Int32Array),
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

/** How far the scores agree with the grades, corrections counting as grades. */
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
  /** Queries that say little or nothing, a sentence each. */
  notes: v.array(v.string()),
});
export type FileMeasures = v.InferOutput<typeof FileMeasuresSchema>;

export const FileScoringEventSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('scores'), scores: FileScoresSchema }),
  v.strictObject({ kind: v.literal('ended'), state: v.picklist(['paused', 'done']) }),
  v.strictObject({ kind: v.literal('failed'), ...FailureSchema.entries }),
]);
export type FileScoringEvent = v.InferOutput<typeof FileScoringEventSchema>;

/** What to load, and how a page finds it again. */
export const PrepareRequestSchema = v.strictObject({ choice: ModelChoiceSchema, load: LoadRequestSchema });
export type PrepareRequest = v.InferOutput<typeof PrepareRequestSchema>;

/** What can be carried away. */
export const EXPORT_FORMATS = ['csv', 'tsv', 'jsonl', 'parquet', 'run', 'qrels', 'pairs', 'html', 'proof'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const ExportedSchema = v.strictObject({
  fileName: v.string(),
  file: v.instance(Blob),
  /** What a reader should know of it, a sentence each. */
  notes: v.array(v.string()),
});
export type Exported = v.InferOutput<typeof ExportedSchema>;

/** What came of scoring some windows of a proof again. */
export const VerifiedSchema = v.strictObject({
  windows: count,
  /** Pairs that were scored again, of all. */
  pairs: count,
  of: count,
  /** The first and last rows of windows whose scores differ. */
  different: v.array(v.strictObject({ firstRow: count, lastRow: count })),
});
export type Verified = v.InferOutput<typeof VerifiedSchema>;

export const AddFilesSchema = v.strictObject({
  files: v.pipe(
    v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })),
    v.minLength(1),
    v.maxLength(MAX_FILES),
  ),
});
export type AddFiles = v.InferOutput<typeof AddFilesSchema>;

export const FilePairSchema = PairSchema;

/** What the thread offers, by comlink. It has one file open; arguments are unknown until parsed. */
export interface FilesApi {
  list(): Promise<FileList>;
  /** Keeps files and opens them. */
  add(request: AddFiles): Promise<OpenedFile>;
  open(id: string): Promise<OpenedFile>;
  remove(id: string): Promise<void>;
  /** Says how files are read, which column is what and what grades mean. @param isMapped - whether that is all */
  map(columns: Record<string, string>, grades: string, isMapped: boolean, reading?: FileReading): Promise<OpenedFile>;
  /** Loads a model for the open file; what it would score by. */
  prepare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void): Promise<FileScoring>;
  /** Begins anew with the model that was prepared; scores that there were are forgotten, corrections not. @param limit - 0 for all */
  begin(limit: number): Promise<FileTable>;
  /** The pairs of the open file with all that is known of them. */
  table(): Promise<FileTable>;
  /** Scores the pairs of the open file without a score, until the end or {@link pause}. Events end with `ended` or `failed`. */
  score(emit: (event: FileScoringEvent) => void): Promise<void>;
  pause(): Promise<void>;
  pair(place: number): Promise<v.InferOutput<typeof FilePairSchema>>;
  correct(correction: Correction): Promise<void>;
  /** Takes the last correction back. */
  undoCorrection(): Promise<void>;
  /** Null where there are no grades. */
  measure(): Promise<FileMeasures | null>;
  exportFile(format: ExportFormat): Promise<Exported>;
  /** Checks a proof of scores of the open file with the model that is prepared. @param windows - to score again; 0 for all */
  verify(proof: Blob, windows: number): Promise<Verified>;
}
