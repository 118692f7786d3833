/**
 * The interface between a session and the three kinds of runs: supervised, reinforcement and distillation. A session
 * schedules runs, stores them and recovers from a lost GPU without knowing what they compute. A kind computes and
 * reports measurements, and knows nothing of storage, pauses or other runs.
 */
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import type { Failure } from '../protocol/failure.ts';
import type { RunCompletions, RunDescription } from '../protocol/tracked-run.ts';
import type { TensorData } from '../model/weights.ts';
import type { TrainingBackend } from './run-backend.ts';

/** A run between two steps. */
export interface RunMoment<Checkpoint> {
  /** Steps made. */
  readonly step: number;
  readonly checkpoint: () => Promise<Checkpoint>;
  /** Measures the present model and reports the result; undefined where it cannot be requested. */
  readonly evaluate?: () => Promise<void>;
}

/** The session's callbacks between the parts of a run. */
export interface RunHooks<Checkpoint> {
  /** Fires as soon as a stop is requested, so that work between steps can be abandoned. */
  readonly signal: AbortSignal;
  /** Awaited before every step. @throws {LabError} `aborted` if the run is to end here */
  readonly beforeStep: (moment: RunMoment<Checkpoint>) => Promise<void>;
  /** Awaited after each pass of an update. */
  readonly afterPass: () => Promise<void>;
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  /** What the policy completes for some held-out pairs, where it was measured. */
  readonly onCompletions: (step: number, answers: RunCompletions['answers']) => void;
  /** Whether the present step was requested as a single step. */
  readonly isSingleStep: () => boolean;
  /** @throws {LabError} if the backend has failed, because its results are then invalid */
  readonly checkBackend: () => void;
}

/** The result of a finished run. */
export interface FinishedRun {
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Input tokens learned from. */
  readonly tokens: number;
}

/** A run as it is described to the store. */
export interface RunCard {
  readonly name: string;
  /** All that is needed to restart the run, as JSON. */
  readonly configJson: string;
  readonly totalSteps: number;
  /** The imported data set that it learns from. */
  readonly data: DataToKeep | undefined;
}

/** A checkpoint as it is described to the store. */
export interface CheckpointCard {
  readonly note?: string;
  /** The version of the training data. The store keeps imported data for as long as a checkpoint names it here. */
  readonly worldHash: string;
  readonly configJson: string;
}

/** One run of one kind. */
export interface RunKind<Checkpoint> {
  /** The kind under which the run and its checkpoints are stored. */
  readonly kind: string;
  /** The name of the model. */
  readonly name: string;
  /** Automatic checkpoints to keep. */
  readonly keptCheckpoints: number;
  /** Whether it holds its checkpoints in memory even when they are stored. */
  readonly holdsCheckpoints?: boolean;
  /** Called once, before anything else. */
  readonly begin?: () => void;
  /** Prepares data and settings for a backend. What does not depend on the backend is made only once. */
  readonly prepare: (backend: TrainingBackend) => Promise<void>;
  /** Called after {@link prepare}, once the run is stored as under way. */
  readonly announce?: (from: Checkpoint | undefined, backend: TrainingBackend) => void;
  /** Trains on the current backend, to the last step. */
  readonly train: (from: Checkpoint | undefined, hooks: RunHooks<Checkpoint>) => Promise<FinishedRun>;
  /** Frees what {@link prepare} has allocated on the backend. */
  readonly leave?: () => void;
  readonly stepOf: (checkpoint: Checkpoint) => number;
  /** What the run would have come to if it ended here. */
  readonly finishedAt: (checkpoint: Checkpoint) => FinishedRun;
  readonly write: (checkpoint: Checkpoint) => Uint8Array<ArrayBuffer>;
  readonly read: (bytes: Uint8Array) => Checkpoint;
  readonly card: () => Promise<RunCard>;
  readonly checkpointCard: (checkpoint: Checkpoint) => CheckpointCard;
  /** What the run has come to at a checkpoint, or at its beginning once it is prepared. */
  readonly summary: (checkpoint: Checkpoint | undefined) => RunDescription;
  /** Called with a new checkpoint, before it is stored. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
  readonly onKept?: (step: number, id: string, sizeBytes: number) => void;
  /** Something could not be stored; the run continues. */
  readonly onUnsaved: (step: number, failure: Failure) => void;
  /** The GPU was lost, and the run restarts from this checkpoint. */
  readonly onRewound?: (to: Checkpoint | undefined) => void;
  /** Whether a failure ends this run only, so that others continue. */
  readonly endsAlone?: (failure: Failure) => boolean;
  readonly onEnded?: (step: number, end: { readonly finished: FinishedRun } | { readonly failure: Failure }) => void;
}

/** A run as its session sees it. */
export interface LiveRun {
  /** Steps made. */
  readonly step: number;
  /** Steps made at the last checkpoint. */
  readonly savedStep: number;
  /** Runs to the last step. @throws an error that ends all runs of the session */
  run(): Promise<void>;
  /** Requests something to be done between the next two steps. */
  ask(errand: Errand): void;
  /** Deletes the record that the run is under way; its checkpoints stay. */
  forget(): Promise<void>;
  /** Leaves the run so that it can be resumed. */
  release(): void;
}

/** Requests that a run can serve between two steps. */
export type Errand = 'evaluate' | 'save';
