/**
 * The checkpoint store behind its thread boundary: what the page lists, changes and carries away, and the model in a
 * checkpoint as files that can be loaded to answer with.
 */
import { transfer } from 'comlink';
import { type CheckpointStore, openCheckpointStore } from '../checkpoint/store.ts';
import type { OpenRunStatus } from '../checkpoint/open-runs.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import { readStorageSpace } from '../checkpoint/storage-space.ts';
import { modelInCheckpoint } from './model-in-checkpoint.ts';
import type {
  Checkpoint,
  CheckpointApi,
  CheckpointModel,
  CheckpointOverview,
  ExportedFile,
  UnfinishedRun,
} from '../protocol/checkpoints.ts';

/** Keeps the checkpoints of this origin. */
export class CheckpointService implements CheckpointApi {
  #store: Promise<CheckpointStore> | undefined;

  async overview(): Promise<CheckpointOverview> {
    const store = await this.#open();
    const [{ checkpoints, damaged }, runs, space] = await Promise.all([
      store.list(),
      store.runs.list(),
      readStorageSpace(),
    ]);
    return {
      checkpoints: checkpoints.map(checkpointOf),
      damaged: [...damaged],
      runs: runs.map(runOf),
      space: { ...space },
    };
  }

  async rename(id: string, name: string): Promise<void> {
    await (await this.#open()).rename(id, name);
  }

  async annotate(id: string, note: string): Promise<void> {
    await (await this.#open()).annotate(id, note);
  }

  async remove(id: string): Promise<void> {
    await (await this.#open()).remove(id);
  }

  async exportFile(id: string): Promise<ExportedFile> {
    return (await this.#open()).exportFile(id);
  }

  async importFile(file: Blob): Promise<string> {
    return (await (await this.#open()).importFile(file)).name;
  }

  async forgetRun(runId: string): Promise<void> {
    await (await this.#open()).runs.forget(runId);
  }

  async model(id: string): Promise<CheckpointModel> {
    const { manifest, payload } = await (await this.#open()).load(id);
    const files = await modelInCheckpoint(manifest, payload);
    return transfer(
      { name: manifest.name, files },
      Object.values(files).map(({ buffer }) => buffer),
    );
  }

  /** Opened at the first use, and again after a failure: another tab may have let go since. */
  #open(): Promise<CheckpointStore> {
    this.#store ??= openCheckpointStore().catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }
}

function checkpointOf({ chunks: _chunks, ...manifest }: Manifest): Checkpoint {
  return manifest;
}

function runOf({ run, state, lastCheckpoint }: OpenRunStatus): UnfinishedRun {
  const { dataHash: _dataHash, ...spoken } = run;
  const last = lastCheckpoint === null ? null : { id: lastCheckpoint.id, step: lastCheckpoint.step };
  return { ...spoken, state, lastCheckpoint: last };
}
