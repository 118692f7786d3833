/**
 * Where a run keeps what must outlive it: checkpoints as opaque bytes, and the record that it is under way. The
 * CheckpointStore of the browser is one; a run needs no more of it than this.
 */
import type { CheckpointInfoInput, Manifest } from '../checkpoint/manifest.ts';
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import type { OpenRunInput, RunLease } from '../checkpoint/open-runs.ts';
import type { RunRecord } from '../checkpoint/run-records.ts';

/** Keeps the checkpoints of runs. */
export interface RunStore {
  readonly runs: {
    /** Remembers a run together with the imported data that it learns from. */
    start(run: OpenRunInput, data?: DataToKeep): Promise<RunLease>;
  };
  readonly data: {
    /** An imported data set; undefined if it is not kept. */
    load(sha256: string): Promise<DataToKeep | undefined>;
  };
  readonly records: {
    /** Keeps what a finished run has told, in place of the one that its view had. */
    keep(record: RunRecord): Promise<void>;
    drop(view: string): Promise<void>;
  };
  /** Resolves once the bytes are safe. */
  save(
    info: CheckpointInfoInput,
    payload: Uint8Array<ArrayBuffer>,
    options: { readonly keepLast: number },
  ): Promise<{ readonly id: string; readonly sizeBytes: number }>;
  /** @throws {LabError} `not-found`, or `bad-checkpoint` if the bytes are not those that were saved */
  load(id: string): Promise<{
    readonly manifest: Pick<Manifest, 'runId' | 'kind' | 'name' | 'createdAt'>;
    readonly payload: Uint8Array;
  }>;
}
