/**
 * A model folder as one checkpoint file (`kind` is "model"), for moving it between the command line and the page. Its
 * payload is an archive of the folder's files.
 */
import { type CheckpointInfo, CheckpointInfoSchema, MAX_NAME_LENGTH } from '../../checkpoint/manifest.ts';
import { packFiles, unpackFiles } from '../../checkpoint/packed-files.ts';
import { parseConfig } from '../../config/parse.ts';
import { MODEL_FILES, type ModelFileName } from '../../infer/lab-model.ts';
import { VECTORS_FILE } from '../../vectors/static-vectors.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { MODEL_KIND } from '../../protocol/checkpoints.ts';
import type { ModelFileBytes } from './model-files.ts';

/** The payload of a model, and its manifest. */
export function packModel(
  files: ReadonlyMap<ModelFileName, Uint8Array>,
  { name, data, training }: Pick<ModelCard, 'name' | 'data' | 'training'>,
): { readonly info: CheckpointInfo; readonly payload: Uint8Array<ArrayBuffer> } {
  const label = name.trim().slice(0, MAX_NAME_LENGTH) || 'model';
  const info = parseConfig('The manifest of the model', CheckpointInfoSchema, {
    name: label,
    kind: MODEL_KIND,
    isAutomatic: false,
    runId: null,
    parentId: null,
    modelName: label,
    worldHash: data.hash,
    step: training.steps,
    configJson: '{}',
  });
  return { info, payload: packFiles(Object.fromEntries(files)) };
}

/** The files of a model. @throws {LabError} `bad-checkpoint` */
export function unpackModel(payload: Uint8Array): ModelFileBytes {
  return unpackFiles(payload, MODEL_FILES, [VECTORS_FILE]);
}
