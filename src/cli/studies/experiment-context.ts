/**
 * What all runs of an experiment share.
 */

/** Pairs of the test split that a finished run is measured on. */
export const TEST_PAIRS = 600;

/** What all runs of an experiment share. */
export interface ExperimentContext {
  /** The folder of all runs. */
  readonly root: string;
  readonly device: string;
  readonly commit: string;
  readonly signal: AbortSignal;
  /** Pairs of the test split that a finished run is measured on. */
  readonly testPairs: number;
  /** Replaces the steps of every arm; for a quick look. */
  readonly steps?: number | undefined;
  /** Gives the model folder that the runs of a seed start from. */
  readonly startFolder: (seed: number) => Promise<string>;
  /** The model folder of the teacher of all students. */
  readonly teacherFolder: string;
}
