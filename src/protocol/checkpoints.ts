/**
 * The boundary between the page and the worker that keeps checkpoints. Reading and hashing megabytes is no work for the
 * page's thread; what crosses here is the list, small changes to it, and files as handles that nobody copies.
 *
 * As in scoring.ts, everything that crosses has a schema and is parsed on arrival.
 */
import * as v from 'valibot';
import { ModelFilesSchema } from './scoring.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const id = v.pipe(v.string(), v.nonEmpty());
/** Milliseconds since 1970. */
const time = v.pipe(count, v.maxValue(8.64e15));

/** The kind of a checkpoint that holds the files of a model folder and no run: it answers and cannot be trained on from. */
export const MODEL_KIND = 'model';

/** A checkpoint without its payload. */
const CheckpointSchema = v.strictObject({
  id,
  name: v.string(),
  note: v.string(),
  /** Which code reads the payload, such as `sft`. */
  kind: v.string(),
  /** Saved by a run on its way, and dropped by it when there are newer ones. */
  isAutomatic: v.boolean(),
  /** The run that made it. */
  runId: v.nullable(v.string()),
  /** The checkpoint that the run went on from. */
  parentId: v.nullable(v.string()),
  modelName: v.string(),
  worldHash: v.string(),
  /** Updates made. */
  step: count,
  /** The settings of the run, as JSON. */
  configJson: v.string(),
  createdAt: time,
  sizeBytes: count,
});
export type Checkpoint = v.InferOutput<typeof CheckpointSchema>;

/** A run that has begun and not ended. */
const UnfinishedRunSchema = v.strictObject({
  id,
  name: v.string(),
  kind: v.string(),
  configJson: v.string(),
  totalSteps: count,
  startedAt: time,
  /** `alive`: a tab is training it. `unknown`: this browser cannot tell. */
  state: v.picklist(['alive', 'interrupted', 'unknown']),
  /** What it can go on from; null if it was cut short before its first checkpoint. */
  lastCheckpoint: v.nullable(v.strictObject({ id, step: count })),
});
export type UnfinishedRun = v.InferOutput<typeof UnfinishedRunSchema>;

/** All that this browser keeps. */
export const CheckpointOverviewSchema = v.strictObject({
  /** The newest first. */
  checkpoints: v.array(CheckpointSchema),
  /** Records that cannot be read; they can only be deleted. */
  damaged: v.array(v.strictObject({ what: v.picklist(['checkpoint', 'run']), id: v.string(), problem: v.string() })),
  /** The last started first. */
  runs: v.array(UnfinishedRunSchema),
  /** As the browser says it, which is roughly; null where it does not say. */
  space: v.strictObject({
    usedBytes: v.nullable(count),
    quotaBytes: v.nullable(count),
    /** Whether the browser has promised not to drop it. */
    isPersistent: v.nullable(v.boolean()),
  }),
});
export type CheckpointOverview = v.InferOutput<typeof CheckpointOverviewSchema>;

/** A checkpoint as one file. */
export const ExportedFileSchema = v.strictObject({ fileName: v.string(), file: v.instance(Blob) });
export type ExportedFile = v.InferOutput<typeof ExportedFileSchema>;

/** One of the files that a reader chose or dropped; `path` is that inside the folder, or the name alone. */
export const ChosenFileSchema = v.strictObject({ path: v.string(), blob: v.instance(Blob) });
export type ChosenFile = v.InferOutput<typeof ChosenFileSchema>;

/** The model in a checkpoint, as the files of a model folder. */
export const CheckpointModelSchema = v.strictObject({
  /** Of the checkpoint. */
  name: v.string(),
  files: ModelFilesSchema,
});
export type CheckpointModel = v.InferOutput<typeof CheckpointModelSchema>;

/** The views that show a finished run once more after a reload. */
export const RECORD_VIEWS = ['train', 'collapse'] as const;
export type RecordView = (typeof RECORD_VIEWS)[number];

/** What a finished run has told; each event checked by its own schema. */
export const RunRecordSchema = v.strictObject({ endedAt: time, events: v.array(v.unknown()) });
export type RunRecord = v.InferOutput<typeof RunRecordSchema>;

/** What the worker offers, by comlink. Each method rejects with a code of LabErrorCode as the error's name. */
export interface CheckpointApi {
  overview(): Promise<CheckpointOverview>;
  /** `not-found`; `bad-config` if the name is empty, too long or taken. */
  rename(id: string, name: string): Promise<void>;
  annotate(id: string, note: string): Promise<void>;
  /** Deletes a checkpoint; an unknown id is ignored. */
  remove(id: string): Promise<void>;
  exportFile(id: string): Promise<ExportedFile>;
  /** Takes a file of {@link exportFile} in, and returns its name here. `bad-file` if it was changed or cut. */
  importFile(file: Blob): Promise<string>;
  /**
   * Takes a model folder of the command line in, as a checkpoint of the kind {@link MODEL_KIND}, and returns its name here.
   * Other files beside those of the model are ignored. `not-found` if a file is missing; the code of the file that is wrong.
   */
  importModel(files: readonly ChosenFile[]): Promise<string>;
  /** Forgets a run that nobody goes on with; its checkpoints stay. */
  forgetRun(runId: string): Promise<void>;
  /** The last finished run of a view; null if there is none. */
  record(view: RecordView): Promise<RunRecord | null>;
  dropRecord(view: RecordView): Promise<void>;
  /** `bad-checkpoint` if it is of a kind that holds no model. */
  model(id: string): Promise<CheckpointModel>;
}
