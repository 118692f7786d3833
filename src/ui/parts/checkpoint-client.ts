/**
 * The page's side of the worker that keeps checkpoints, as scoring-client.ts is of the scoring worker.
 */
import { wrap } from 'comlink';
import * as v from 'valibot';
import workerUrl from '../../../workers/checkpoint.worker.ts?worker&url';
import {
  type CheckpointApi,
  CheckpointModelSchema,
  CheckpointOverviewSchema,
  ExportedFileSchema,
} from '../../protocol/checkpoints.ts';
import { trustedScriptUrl } from './trusted-script-url.ts';
import { whenBroken } from './worker-failure.ts';

/** Keeps the checkpoints of this browser. */
export interface CheckpointClient extends CheckpointApi {
  /** Ends the thread. What was saved stays. */
  close(): void;
}

/** Starts the worker. */
export function openCheckpointWorker(): CheckpointClient {
  const worker = new Worker(trustedScriptUrl(workerUrl), { type: 'module', name: 'checkpoints' });
  const api = wrap<CheckpointApi>(worker);
  const broken = whenBroken(worker, 'checkpoint');
  const answer = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, broken]);
  return {
    overview: async () => v.parse(CheckpointOverviewSchema, await answer(api.overview())),
    rename: (id, name) => answer(api.rename(id, name)),
    annotate: (id, note) => answer(api.annotate(id, note)),
    remove: (id) => answer(api.remove(id)),
    exportFile: async (id) => v.parse(ExportedFileSchema, await answer(api.exportFile(id))),
    importFile: async (file) => v.parse(v.string(), await answer(api.importFile(file))),
    importModel: async (files) => v.parse(v.string(), await answer(api.importModel(files))),
    forgetRun: (id) => answer(api.forgetRun(id)),
    model: async (id) => v.parse(CheckpointModelSchema, await answer(api.model(id))),
    close: () => worker.terminate(),
  };
}
