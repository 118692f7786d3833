/**
 * The model inside a checkpoint of a supervised run, as the files of a model folder, so that any checkpoint can be
 * exported as `lab sft` exports its final model.
 */
import { LabError } from '../../common/errors.ts';
import { MODEL_PRESETS } from '../../config/presets.ts';
import type { LabFile } from '../../infer/lab-model.ts';
import { namedScale } from '../../protocol/label-names.ts';
import type { ExperimentData } from '../../protocol/sft-experiment.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import { makeRuleWorld, type RuleWorld } from '../../relevance/world/rule-world.ts';
import { rulesOfFile } from '../file-data.ts';
import { makeFileLabFile, makeLabFile } from './lab-file.ts';
import { makeModelFiles, type ModelFileBytes } from './model-files.ts';
import { makeModelCard } from './sft-card.ts';
import { readSftCheckpoint } from '../sft-checkpoint.ts';

/**
 * The files of the model in a checkpoint's bytes. Takes about a second where it learned from a rule world.
 *
 * @param createdAt - of the checkpoint, milliseconds since 1970
 * @throws {LabError} `bad-checkpoint` if it cannot be read, or learned from a world that this version no longer makes
 */
export function modelFilesOf(bytes: Uint8Array, createdAt: number): ModelFileBytes {
  const saved = readSftCheckpoint(bytes);
  const { experiment, tokenizer, dataHash, start, state, curve } = saved;
  const { data, prompt } = experiment;
  const { lab, countPairs } =
    start !== undefined
      ? { lab: start.lab, countPairs: () => 0 }
      : data.kind === 'world'
        ? ofWorld(worldOf(data, dataHash), prompt)
        : {
            lab: makeFileLabFile(rulesOfFile(data, prompt), prompt, namedScale(data.labels, prompt.scaleSize)),
            countPairs: () => 0,
          };
  const model = start?.config ?? MODEL_PRESETS[experiment.preset];
  const dtype = 'f32';
  const card = makeModelCard(experiment, {
    dataHash,
    model,
    start: start?.card,
    trainPairs: saved.trainPairs ?? countPairs(),
    queries: saved.queries,
    steps: state.step,
    tokens: state.tokens,
    curve,
    dtype,
    device: 'an unrecorded device',
    date: new Date(createdAt).toISOString().slice(0, 10),
  });
  const { steps } = experiment.sft;
  const isUnfinished = state.step < steps;
  const limits = [
    ...(isUnfinished ? [`Saved at step ${state.step} of ${steps}, before the end.`] : []),
    ...card.limits,
  ];
  const vectors = start?.vectors?.file;
  return makeModelFiles({
    config: model,
    weights: state.weights,
    dtype,
    tokenizer,
    lab,
    card: { ...card, limits },
    vectors,
  });
}

function ofWorld(world: RuleWorld, prompt: PromptConfig): { readonly lab: LabFile; readonly countPairs: () => number } {
  return { lab: makeLabFile(world, prompt), countPairs: () => countTrainPairs(world) };
}

function worldOf(data: Extract<ExperimentData, { kind: 'world' }>, hash: string): RuleWorld {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  if (world.versionHash === hash) return world;
  throw new LabError('bad-checkpoint', {
    message:
      'The rule world has changed since this checkpoint was saved, so its reasoning would be checked by other rules.',
    expected: `world ${hash}`,
    got: `world ${world.versionHash}`,
    fix: 'Use it with the version of the lab that saved it, or train again.',
  });
}

/** If the world leaves out no pairs, they are counted without being generated. */
function countTrainPairs(world: RuleWorld): number {
  const { trainTailWeight, documentsPerQuery } = world.config;
  if (trainTailWeight === 1) return world.queryCount('train') * documentsPerQuery;
  let count = 0;
  for (const _ of world.pairs('train')) count += 1;
  return count;
}
