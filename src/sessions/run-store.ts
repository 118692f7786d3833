/**
 * The storage that a run needs: checkpoints as opaque bytes, and a record that it is under way. The browser's
 * CheckpointStore implements it.
 */
import type { CheckpointInfoInput, Manifest } from '../checkpoint/manifest.ts';
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import type { OpenRunInput, RunLease } from '../checkpoint/open-runs.ts';
import type { RunRecord } from '../checkpoint/run-records.ts';
import type { TrackedProgress } from '../checkpoint/tracked-runs.ts';
import type { RunCompletions, TrackedRun } from '../protocol/tracked-run.ts';

/** Stores the checkpoints of runs. */
export interface RunStore {
  readonly runs: {
    /** Records that a run is under way, together with its imported data. */
    start(run: OpenRunInput, data?: DataToKeep): Promise<RunLease>;
  };
  readonly data: {
    /** An imported data set; undefined if it is not stored. */
    load(sha256: string): Promise<DataToKeep | undefined>;
  };
  readonly records: {
    /** Stores the recording of a finished run in place of the view's previous one. */
    keep(record: RunRecord): Promise<void>;
    drop(view: string): Promise<void>;
  };
  readonly tracked: {
    /** Records a run that begins or continues here, and returns its record before. */
    begin(progress: TrackedProgress): Promise<TrackedRun | undefined>;
    /** Writes how far a run has come, and what it has completed since. */
    progress(progress: TrackedProgress, completions: readonly RunCompletions[]): Promise<void>;
  };
  /** Resolves once the bytes are safe. */
  save(
    info: CheckpointInfoInput,
    payload: Uint8Array<ArrayBuffer>,
    options: { readonly keepLast: number; readonly keepId: string | null },
  ): Promise<{ readonly id: string; readonly sizeBytes: number }>;
  /** @throws {LabError} `not-found`, or `bad-checkpoint` if the bytes have changed since they were saved */
  load(id: string): Promise<{
    readonly manifest: Pick<Manifest, 'runId' | 'kind' | 'name' | 'createdAt'>;
    readonly payload: Uint8Array;
  }>;
}
