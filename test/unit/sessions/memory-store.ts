/**
 * A RunStore in memory, which can be made to fail.
 */
import type { CheckpointInfoInput } from '../../../src/checkpoint/manifest.ts';
import type { DataToKeep } from '../../../src/checkpoint/kept-data.ts';
import type { OpenRunInput, RunLease } from '../../../src/checkpoint/open-runs.ts';
import type { RunRecord } from '../../../src/checkpoint/run-records.ts';
import type { TrackedProgress } from '../../../src/checkpoint/tracked-runs.ts';
import { LabError } from '../../../src/common/errors.ts';
import { NO_REMARKS, type RunCompletions, type RunWatch, type TrackedRun } from '../../../src/protocol/tracked-run.ts';
import type { RunStore } from '../../../src/sessions/run-store.ts';

export class MemoryStore implements RunStore {
  readonly saved = new Map<string, { readonly info: CheckpointInfoInput; readonly payload: Uint8Array<ArrayBuffer> }>();
  /** What happened to the record of each run, in order. */
  readonly runRecords: string[] = [];
  /** Every run that was begun. */
  readonly runInputs: OpenRunInput[] = [];
  /** Thrown by the next saves, if set. */
  failure: LabError | undefined;

  /** Imported data by its hash. */
  readonly kept = new Map<string, DataToKeep>();

  readonly data = {
    load: (sha256: string): Promise<DataToKeep | undefined> => Promise.resolve(this.kept.get(sha256)),
  };

  readonly runs = {
    start: async (run: OpenRunInput, data?: DataToKeep): Promise<RunLease> => {
      await Promise.resolve();
      if (data !== undefined) this.kept.set(data.sha256, { ...data, bytes: data.bytes.slice() });
      this.runRecords.push(`start ${run.totalSteps}`);
      this.runInputs.push(run);
      return {
        amend: async (configJson): Promise<void> => {
          await Promise.resolve();
          const index = this.runInputs.findLastIndex(({ id }) => id === run.id);
          this.runInputs[index] = { ...run, configJson };
        },
        finish: async (): Promise<void> => {
          await Promise.resolve();
          this.runRecords.push('finish');
        },
        release: (): void => void this.runRecords.push('release'),
      };
    },
  };

  /** Recordings of finished runs, by view. */
  readonly recorded = new Map<string, RunRecord>();

  readonly records = {
    keep: async (record: RunRecord): Promise<void> => {
      await Promise.resolve();
      if (this.failure !== undefined) throw this.failure;
      this.recorded.set(record.view, structuredClone(record));
    },
    drop: async (view: string): Promise<void> => {
      await Promise.resolve();
      this.recorded.delete(view);
    },
  };

  /** The last record of each run. */
  readonly progressOf = new Map<string, TrackedProgress>();

  /** How all runs are watched. */
  watch: RunWatch | null = null;

  /** The completions of each run, by step. */
  readonly completionsOf = new Map<string, Map<number, RunCompletions>>();

  readonly tracked = {
    begin: async (progress: TrackedProgress): Promise<TrackedRun | undefined> => {
      const before = this.progressOf.get(progress.id);
      await this.#write(progress, []);
      const known = before ?? (this.watch === null ? undefined : progress);
      return known && { schemaVersion: 1, queuedAt: null, watch: this.watch, ...NO_REMARKS, ...known };
    },
    progress: (progress: TrackedProgress, completions: readonly RunCompletions[]): Promise<void> =>
      this.#write(progress, completions),
  };

  async #write(progress: TrackedProgress, completions: readonly RunCompletions[]): Promise<void> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    this.progressOf.set(progress.id, structuredClone(progress));
    const known = this.completionsOf.get(progress.id) ?? new Map<number, RunCompletions>();
    for (const one of completions) known.set(one.step, one);
    this.completionsOf.set(progress.id, known);
  }

  /** What each save was asked to keep besides the last ones. */
  readonly keptIds: (string | null)[] = [];

  async save(
    info: CheckpointInfoInput,
    payload: Uint8Array<ArrayBuffer>,
    { keepId }: Parameters<RunStore['save']>[2],
  ): Promise<{ id: string; sizeBytes: number }> {
    await Promise.resolve();
    this.keptIds.push(keepId);
    if (this.failure !== undefined) throw this.failure;
    const id = `c${this.saved.size + 1}`;
    this.saved.set(id, { info, payload: payload.slice() });
    return { id, sizeBytes: payload.length };
  }

  async load(id: string): ReturnType<RunStore['load']> {
    await Promise.resolve();
    const kept = this.saved.get(id);
    if (kept === undefined) throw new LabError('not-found', { message: `There is no checkpoint ${id}.` });
    const { runId, kind, name } = kept.info;
    return { manifest: { runId, kind, name, createdAt: 0 }, payload: kept.payload };
  }
}
