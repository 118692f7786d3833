/**
 * Stages of studies on real judgments: models in folders that are made once, and their predictions.
 */
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import { join } from 'node:path';
import { disposeLabModel, type LabModel } from '../../infer/lab-model.ts';
import type { LabelScore } from '../../infer/score.ts';
import { scoreStream } from '../../infer/score-pairs.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
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

/** A model's predictions for pairs. @param read - the label, and the score to order by */
export async function predictionsOf(
  model: LabModel,
  pairs: readonly JudgedPair[],
  read: (score: LabelScore) => Pick<Prediction, 'label' | 'score' | 'confidence'>,
  signal: AbortSignal,
): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const { item, score } of scoreStream(model, oneByOne(pairs), signal)) {
    const { queryId, document, label: gold } = item.pair;
    found.push({ queryId, docId: document.docId, gold, ...read(score) });
  }
  return found;
}

async function* oneByOne(pairs: readonly JudgedPair[]): AsyncGenerator<{ readonly pair: JudgedPair }> {
  for (const pair of pairs) yield await Promise.resolve({ pair });
}
