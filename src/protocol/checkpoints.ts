/**
 * The boundary between the page and the worker that stores checkpoints. Reading and hashing megabytes would block the
 * page, so only the list, small changes to it, and files as handles without copies cross it.
 *
 * As in scoring.ts, everything that crosses has a schema and is parsed on arrival.
 */
import * as v from 'valibot';
import { ModelFilesSchema } from './scoring.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const id = v.pipe(v.string(), v.nonEmpty());
/** Milliseconds since 1970. */
const time = v.pipe(count, v.maxValue(8.64e15));

/**
 * The kind of a checkpoint with the files of a model folder and no run. It can answer, but training cannot resume from
 * it.
 */
export const MODEL_KIND = 'model';

/** A checkpoint without its payload. */
const CheckpointSchema = v.strictObject({
  id,
  name: v.string(),
  note: v.string(),
  /** Which code reads the payload, such as `sft`. */
  kind: v.string(),
  /** Saved by a run at an interval, and deleted by it once there are newer ones. */
  isAutomatic: v.boolean(),
  /** The run that made it. */
  runId: v.nullable(v.string()),
  /** The checkpoint that the run resumed from. */
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
  /** The checkpoint to resume from; null if the run was cut short before its first. */
  lastCheckpoint: v.nullable(v.strictObject({ id, step: count })),
});
export type UnfinishedRun = v.InferOutput<typeof UnfinishedRunSchema>;

/** Everything that this browser stores. */
export const CheckpointOverviewSchema = v.strictObject({
  /** The newest first. */
  checkpoints: v.array(CheckpointSchema),
  /** Records that cannot be read; they can only be deleted. */
  damaged: v.array(v.strictObject({ what: v.picklist(['checkpoint', 'run']), id: v.string(), problem: v.string() })),
  /** The last started first. */
  runs: v.array(UnfinishedRunSchema),
  /** The browser's own estimate; null where it gives none. */
  space: v.strictObject({
    usedBytes: v.nullable(count),
    quotaBytes: v.nullable(count),
    /** Whether the browser has promised not to evict it. */
    isPersistent: v.nullable(v.boolean()),
  }),
});
export type CheckpointOverview = v.InferOutput<typeof CheckpointOverviewSchema>;

/** A checkpoint as one file. */
export const ExportedFileSchema = v.strictObject({ fileName: v.string(), file: v.instance(Blob) });
export type ExportedFile = v.InferOutput<typeof ExportedFileSchema>;

/** A file that a reader chose or dropped; `path` is its path inside the folder, or its name. */
export const ChosenFileSchema = v.strictObject({ path: v.string(), blob: v.instance(Blob) });
export type ChosenFile = v.InferOutput<typeof ChosenFileSchema>;

/** The model in a checkpoint, as the files of a model folder. */
export const CheckpointModelSchema = v.strictObject({
  /** The name of the checkpoint. */
  name: v.string(),
  files: ModelFilesSchema,
});
export type CheckpointModel = v.InferOutput<typeof CheckpointModelSchema>;

/** The views that show a finished run again after a reload. */
export const RECORD_VIEWS = ['train', 'collapse'] as const;
export type RecordView = (typeof RECORD_VIEWS)[number];

/** The recorded events of a finished run, each checked by its own schema. */
export const RunRecordSchema = v.strictObject({ endedAt: time, events: v.array(v.unknown()) });
export type RunRecord = v.InferOutput<typeof RunRecordSchema>;

/** The worker's API, by comlink. Each method rejects with a code of LabErrorCode as the error's name. */
export interface CheckpointApi {
  overview(): Promise<CheckpointOverview>;
  /** `not-found`; `bad-config` if the name is empty, too long or taken. */
  rename(id: string, name: string): Promise<void>;
  annotate(id: string, note: string): Promise<void>;
  /** Deletes a checkpoint; an unknown id is ignored. */
  remove(id: string): Promise<void>;
  exportFile(id: string): Promise<ExportedFile>;
  /** Imports a file of {@link exportFile} and returns its name here. `bad-file` if it was changed or truncated. */
  importFile(file: Blob): Promise<string>;
  /**
   * Imports a model folder of the command line as a checkpoint of the kind {@link MODEL_KIND} and returns its name
   * here. Files that are not part of the model are ignored. `not-found` if a file is missing; the code of the file that
   * is wrong.
   */
  importModel(files: readonly ChosenFile[]): Promise<string>;
  /** Deletes the record of a run that is not to be resumed; its checkpoints stay. */
  forgetRun(runId: string): Promise<void>;
  /** The last finished run of a view; null if there is none. */
  record(view: RecordView): Promise<RunRecord | null>;
  dropRecord(view: RecordView): Promise<void>;
  /** `bad-checkpoint` if its kind has no model. */
  model(id: string): Promise<CheckpointModel>;
}
