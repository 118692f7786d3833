/**
 * The checkpoint store behind its thread boundary: what the page lists, changes and carries away, and the model in a
 * checkpoint as files that can be loaded to answer with.
 */
import { transfer } from 'comlink';
import { type CheckpointStore, openCheckpointStore } from '../checkpoint/store.ts';
import type { OpenRunStatus } from '../checkpoint/open-runs.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import { readStorageSpace } from '../checkpoint/storage-space.ts';
import { LabError } from '../common/errors.ts';
import { BRANCH_KIND } from '../protocol/grpo.ts';
import type { ModelFileBytes } from './model-files.ts';
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
    const read = MODEL_READERS[manifest.kind];
    if (read === undefined) {
      throw new LabError('bad-checkpoint', {
        message: `The checkpoint "${manifest.name}" holds no model that can answer.`,
        expected: `a checkpoint of one of the kinds ${Object.keys(MODEL_READERS).join(', ')}`,
        got: `"${manifest.kind}"`,
      });
    }
    const files = (await read())(payload, manifest.createdAt);
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

/**
 * How the model in a checkpoint is read, by the kind of run that saved it. Fetched only when asked for: making a model's
 * files may need the rule world, listing checkpoints does not.
 */
const MODEL_READERS: Readonly<Record<string, () => Promise<(bytes: Uint8Array, createdAt: number) => ModelFileBytes>>> =
  {
    sft: async () => (await import('./checkpoint-model.ts')).modelFilesOf,
    [BRANCH_KIND]: async () => (await import('./kept-branch.ts')).branchModelFiles,
  };

function checkpointOf({ chunks: _chunks, ...manifest }: Manifest): Checkpoint {
  return manifest;
}

function runOf({ run, state, lastCheckpoint }: OpenRunStatus): UnfinishedRun {
  const { dataHash: _dataHash, ...spoken } = run;
  const last = lastCheckpoint === null ? null : { id: lastCheckpoint.id, step: lastCheckpoint.step };
  return { ...spoken, state, lastCheckpoint: last };
}
