/**
 * The start models of GRPO runs.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../config/parse.ts';
import { startOf, type StartModel } from '../../runs/grpo-task.ts';
import { START_SETTINGS } from '../../studies/recipes.ts';
import {
  disposeLabModel,
  type LabModel,
  type ModelSource,
  readLabModel,
  toBackend,
  readWeightTensors,
} from '../../infer/lab-model.ts';
import { SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { readModelFiles } from '../model-folder.ts';
import { trainToFolder } from './supervised-run.ts';
import { note } from '../terminal.ts';

/** A start with its card and the further scales that it can answer on. */
export type NamedStart = StartModel & Pick<LabModel, 'card' | 'otherScales'>;

/**
 * The model folder of a seed's start, which is trained if it does not exist yet.
 *
 * @param root - the folder of all starts
 * @throws {LabError} `aborted`
 */
export async function startModel(root: string, seed: number, signal: AbortSignal, device: string): Promise<string> {
  const out = join(root, `seed-${seed}`);
  const model = join(out, 'model');
  // The weights are written last, and appear complete.
  if (await isThere(join(model, 'model.safetensors'))) return model;
  note(`Training the start of seed ${seed}.`);
  const { sft, ...rest } = START_SETTINGS;
  const experiment = parseConfig('The start', SftExperimentSchema, { ...rest, sft: { ...sft, seed } });
  return trainToFolder(experiment, { out, dtype: 'f16', device, signal });
}

/**
 * A start as numbers with its card, so that every run loads its own copy.
 *
 * @throws {LabError} as {@link loadStartModel}; what `readModelFiles` throws
 */
export async function readStartModel(path: string): Promise<NamedStart> {
  return loadStartModel(await readModelFiles(path));
}

/** The same from its files. @throws {LabError} `bad-config` if it is quantised; what `loadLabModel` throws */
export async function loadStartModel(files: ModelSource): Promise<NamedStart> {
  const read = readLabModel(files);
  const lab = await toBackend(read, 'f32');
  disposeLabModel(lab);
  const weights = await readWeightTensors(read);
  return { ...startOf(lab), weights, card: lab.card, otherScales: lab.otherScales };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
