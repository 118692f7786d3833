/**
 * The model that the runs of one seed start from.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../config/parse.ts';
import { START_SETTINGS } from '../experiment/recipes.ts';
import { SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { trainToFolder } from './supervised-run.ts';
import { note } from './terminal.ts';

/**
 * The model folder of a seed's start, trained if it is not there yet.
 *
 * @param root - the folder of all starts
 * @throws {LabError} `aborted`
 */
export async function startModel(root: string, seed: number, signal: AbortSignal, device: string): Promise<string> {
  const out = join(root, `seed-${seed}`);
  const model = join(out, 'model');
  // The weights are written last, and appear whole.
  if (await isThere(join(model, 'model.safetensors'))) return model;
  note(`Training the start of seed ${seed}.`);
  const { sft, ...rest } = START_SETTINGS;
  const experiment = parseConfig('The start', SftExperimentSchema, { ...rest, sft: { ...sft, seed } });
  return trainToFolder(experiment, { out, dtype: 'f16', device, signal });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
