/**
 * The files of models that runs start from: a folder on the page's own origin, or a checkpoint of this browser.
 */
import type { ModelFileName } from '../infer/lab-model.ts';
import { fetchModel } from '../infer/model-fetch.ts';
import { checkpointIdIn } from '../protocol/grpo.ts';
import { modelInCheckpoint } from './model-in-checkpoint.ts';
import type { RunStore } from './run-store.ts';

export type ModelFiles = ReadonlyMap<ModelFileName, Uint8Array>;
/** Loads the files of a model folder. */
export type GetModel = (modelUrl: string) => Promise<ModelFiles>;

/** @throws {LabError} `not-found`, `bad-file`, `bad-checkpoint` */
export async function modelFilesAt(
  modelUrl: string,
  openStore: (() => Promise<RunStore>) | undefined,
  getModel: GetModel = (url) => fetchModel(url, () => undefined),
): Promise<ModelFiles> {
  const id = checkpointIdIn(modelUrl);
  if (id === undefined || openStore === undefined) return getModel(modelUrl);
  const { manifest, payload } = await (await openStore()).load(id);
  const files = await modelInCheckpoint(manifest, payload);
  return new Map(Object.entries(files) as [ModelFileName, Uint8Array][]);
}
