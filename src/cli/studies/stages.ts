/**
 * Stages of studies on real judgments: models in folders that are made once, and their predictions.
 */
import { join } from 'node:path';
import { disposeLabModel, type LabModel } from '../../infer/lab-model.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import { readSftCheckpoint, type SftCheckpoint } from '../../runs/sft-checkpoint.ts';
import type { PreparedSft } from '../../runs/sft-experiment.ts';
import { readModelFolder } from '../model-folder.ts';
import { readIfThere } from '../runs/read-files.ts';
import { checkpointPath, type FolderRun, trainToFolder } from '../runs/supervised-run.ts';

/**
 * The model folder of a stage, made if it does not exist yet.
 *
 * @param out - the folder of the stage
 * @param make - makes `model` in it
 */
export async function modelOnce(out: string, make: () => Promise<string>): Promise<string> {
  const folder = join(out, 'model');
  // The weights are written last, and appear complete.
  return (await readIfThere(join(folder, 'model.safetensors'))) === undefined ? make() : folder;
}

/** A supervised model in its folder, resumed from its last checkpoint. @param prepare - makes its data */
export async function supervisedOnce(
  experiment: SftExperiment,
  run: Omit<FolderRun, 'saved' | 'prepared'>,
  prepare: (saved: SftCheckpoint | undefined) => PreparedSft | Promise<PreparedSft>,
): Promise<string> {
  return modelOnce(run.out, async () => {
    const bytes = await readIfThere(checkpointPath(run.out));
    const saved = bytes === undefined ? undefined : readSftCheckpoint(bytes);
    return trainToFolder(experiment, { ...run, saved, prepared: await prepare(saved) });
  });
}

/** Uses the model of a folder, and frees it afterwards. */
export async function withModel<T>(folder: string, use: (model: LabModel) => Promise<T>): Promise<T> {
  const model = await readModelFolder(folder);
  try {
    return await use(model);
  } finally {
    disposeLabModel(model);
  }
}
