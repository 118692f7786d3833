/**
 * What the three ways of learning (supervised, by reinforcement, from a teacher) are to a session. A session moves runs,
 * keeps them and carries them over a lost GPU without knowing what they compute; a kind computes, tells what it measures,
 * and knows nothing of storage, pauses or other runs.
 */
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import type { Failure } from '../protocol/failure.ts';
import type { TensorData } from '../model/weights.ts';
import type { TrainingBackend } from './run-backend.ts';

/** A run between two steps. */
export interface RunMoment<Checkpoint> {
  /** Steps made. */
  readonly step: number;
  readonly checkpoint: () => Promise<Checkpoint>;
  /** Measures the model as it is and tells it; undefined where nobody can ask for it. */
  readonly evaluate?: () => Promise<void>;
}

/** What the session does between the pieces of a run. */
export interface RunHooks<Checkpoint> {
  /** Fires as soon as a stop is asked for: what leads to no step need not come to its end. */
  readonly signal: AbortSignal;
  /** Awaited before every step. @throws {LabError} `aborted` if the run is to end here */
  readonly beforeStep: (moment: RunMoment<Checkpoint>) => Promise<void>;
  /** Awaited after each pass of an update. */
  readonly afterPass: () => Promise<void>;
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  /** Whether the step under way was asked for by itself. */
  readonly isSingleStep: () => boolean;
  /** @throws {LabError} if the backend broke: what it computes means nothing */
  readonly checkBackend: () => void;
}

/** A run that has come to its end. */
export interface FinishedRun {
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Input tokens learned from. */
  readonly tokens: number;
}

/** What a store says of a run. */
export interface RunCard {
  readonly name: string;
  /** All that is needed to begin the run again, as JSON. */
  readonly configJson: string;
  readonly totalSteps: number;
  /** An imported data set that it learns from. */
  readonly data: DataToKeep | undefined;
}

/** What a store says of a checkpoint. */
export interface CheckpointCard {
  readonly note?: string;
  /** The version of the data learned from; by it the store keeps imported data for as long as it is needed. */
  readonly worldHash: string;
  readonly configJson: string;
}

/** One run of one kind. */
export interface RunKind<Checkpoint> {
  /** Which kind of runs and checkpoints it is kept as. */
  readonly kind: string;
  /** The name of the model. */
  readonly name: string;
  /** Automatic checkpoints that are kept. */
  readonly keptCheckpoints: number;
  /** Whether it holds its checkpoints in memory, whatever is kept. */
  readonly holdsCheckpoints?: boolean;
  /** Called once, before anything else. */
  readonly begin?: () => void;
  /** Makes data and settings ready on a backend. What does not depend on the backend is made once. */
  readonly prepare: (backend: TrainingBackend) => Promise<void>;
  /** Called after {@link prepare}, once the run is remembered. */
  readonly announce?: (from: Checkpoint | undefined, backend: TrainingBackend) => void;
  /** Trains on the current backend, to the last step. */
  readonly train: (from: Checkpoint | undefined, hooks: RunHooks<Checkpoint>) => Promise<FinishedRun>;
  /** Frees what {@link prepare} has put onto the backend. */
  readonly leave?: () => void;
  readonly stepOf: (checkpoint: Checkpoint) => number;
  readonly write: (checkpoint: Checkpoint) => Uint8Array<ArrayBuffer>;
  readonly read: (bytes: Uint8Array) => Checkpoint;
  readonly card: () => Promise<RunCard>;
  readonly checkpointCard: (checkpoint: Checkpoint) => CheckpointCard;
  /** A checkpoint was made, and not yet kept. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
  readonly onKept?: (step: number, id: string, sizeBytes: number) => void;
  /** Something could not be written down; the run goes on. */
  readonly onUnsaved: (step: number, failure: Failure) => void;
  /** The GPU was lost, and the run is at this checkpoint again. */
  readonly onRewound?: (to: Checkpoint | undefined) => void;
  /** Whether a failure ends this run alone, so that others go on. */
  readonly endsAlone?: (failure: Failure) => boolean;
  readonly onEnded?: (step: number, end: { readonly finished: FinishedRun } | { readonly failure: Failure }) => void;
}

/** A run as its session sees it. */
export interface LiveRun {
  /** Steps made. */
  readonly step: number;
  /** Steps made at the last checkpoint. */
  readonly savedStep: number;
  /** Runs to the last step. @throws what ends all runs of the session */
  run(): Promise<void>;
  /** Does something at the next chance between two steps. */
  ask(errand: Errand): void;
  /** Forgets that the run was under way; its checkpoints stay. */
  forget(): Promise<void>;
  /** Leaves it to be gone on with. */
  release(): void;
}

/** What can be asked of a run between two steps. */
export type Errand = 'evaluate' | 'save';
