/**
 * The worker side of the checkpoint store: what the page lists, changes and exports, and the model inside a checkpoint
 * as files that can be loaded for scoring.
 */
import { transfer } from 'comlink';
import * as v from 'valibot';
import { readCheckpointFile } from '../checkpoint/checkpoint-file.ts';
import { type CheckpointStore, openCheckpointStore } from '../checkpoint/store.ts';
import type { OpenRunStatus } from '../checkpoint/open-runs.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import { readStorageSpace } from '../checkpoint/storage-space.ts';
import { parseConfig } from '../config/parse.ts';
import { modelInCheckpoint } from './model-in-checkpoint.ts';
import {
  type Checkpoint,
  type CheckpointApi,
  type CheckpointModel,
  type CheckpointOverview,
  type ChosenFile,
  ChosenFileSchema,
  type ExportedFile,
  MODEL_KIND,
  type RecordView,
  type RunRecord,
  type UnfinishedRun,
} from '../protocol/checkpoints.ts';

/** Keeps the checkpoints of this origin. */
export class CheckpointService implements CheckpointApi {
  #store: Promise<CheckpointStore> | undefined;

  async overview(): Promise<CheckpointOverview> {
    const store = await this.#open();
    const [{ checkpoints, damaged }, runs, damagedRuns, space] = await Promise.all([
      store.list(),
      store.runs.list(),
      store.runs.damaged(),
      readStorageSpace(),
    ]);
    return {
      checkpoints: checkpoints.map(checkpointOf),
      damaged: [
        ...damaged.map((record) => ({ ...record, what: 'checkpoint' as const })),
        ...damagedRuns.map((record) => ({ ...record, what: 'run' as const })),
      ],
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
    const parsed = parseConfig('The file to import', v.instance(Blob), file);
    const checkpoint = await readCheckpointFile(parsed);
    if (checkpoint.manifest.kind === MODEL_KIND) {
      await (await import('./imported-model.ts')).checkModelFile(checkpoint);
    }
    return (await (await this.#open()).importFile(parsed)).name;
  }

  async importModel(files: readonly ChosenFile[]): Promise<string> {
    const chosen = parseConfig('The files of a model', v.array(ChosenFileSchema), files);
    const { info, payload } = await (await import('./imported-model.ts')).readChosenModel(chosen);
    return (await (await this.#open()).save(info, payload)).name;
  }

  async forgetRun(runId: string): Promise<void> {
    await (await this.#open()).runs.forget(runId);
  }

  async record(view: RecordView): Promise<RunRecord | null> {
    const record = await (await this.#open()).records.load(view);
    return record === undefined ? null : { endedAt: record.endedAt, events: record.events };
  }

  async dropRecord(view: RecordView): Promise<void> {
    await (await this.#open()).records.drop(view);
  }

  async model(id: string): Promise<CheckpointModel> {
    const { manifest, payload } = await (await this.#open()).load(id);
    const files = await modelInCheckpoint(manifest, payload);
    return transfer(
      { name: manifest.name, files },
      Object.values(files).map(({ buffer }) => buffer),
    );
  }

  /** Opened at the first use, and again after a failure, because another tab may have released the database since. */
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
  const { dataHash: _dataHash, ...described } = run;
  const last = lastCheckpoint === null ? null : { id: lastCheckpoint.id, step: lastCheckpoint.step };
  return { ...described, state, lastCheckpoint: last };
}
