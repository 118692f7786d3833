/**
 * Short GRPO runs for tests: a tiny decoder that has learned a few pairs of a small rule world so poorly that its
 * samples disagree.
 */
import * as v from 'valibot';
import { Rng } from '../../../src/common/rng.ts';
import { GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import type { ModelConfig } from '../../../src/config/model-config.ts';
import { SftConfigSchema } from '../../../src/config/sft-config.ts';
import { toExpert, trainWorldTokenizer } from '../../../src/runs/sft-experiment.ts';
import { SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import {
  disposeWeights,
  initialWeights,
  loadWeights,
  readWeights,
  type TensorData,
} from '../../../src/model/weights.ts';
import { DEFAULT_REWARD_CONFIG } from '../../../src/relevance/rules/reward.ts';
import { makeRuleWorld } from '../../../src/relevance/world/rule-world.ts';
import { type GrpoRun, type GrpoState, trainGrpo } from '../../../src/train/grpo.ts';
import type { GrpoStep, KeptGroup } from '../../../src/train/grpo-telemetry.ts';
import { makeRlPrompts, type RlTask } from '../../../src/train/rollouts.ts';
import { trainSft } from '../../../src/train/sft.ts';

export const TINY: ModelConfig = {
  vocabSize: 420,
  width: 24,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 12,
  hidden: 48,
  maxPositions: 128,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

/** A task of 36 prompts with their expert samples. */
export function makeTask(): RlTask {
  const world = makeRuleWorld({ trainQueries: 6, devQueries: 1, testQueries: 1 });
  // Short prompts, to be quick.
  const maxWordsPerField = { query: 5, title: 4, brand: 1, type: 1, attributes: 0, text: 0 };
  const { prompt } = v.parse(SftExperimentSchema, { prompt: { hints: false, maxWordsPerField } });
  const tokenizer = trainWorldTokenizer(world, { prompt }, TINY.vocabSize);
  const pairs = Array.from(world.pairs('train'), toExpert);
  return {
    tokenizer,
    instruction: world.instruction,
    folding: world.lexicon.folding,
    tailRules: world.tailRules,
    reward: DEFAULT_REWARD_CONFIG,
    prompts: makeRlPrompts({ tokenizer, prompt, transformer: { config: TINY } }, pairs, world.tailRules).map(
      (rlPrompt, i) => ({
        ...rlPrompt,
        // Invented, for curricula: a third each are easy and hard, the rest always or never right.
        passRate: [0.75, 0.25, i % 2][i % 3],
      }),
    ),
  };
}

/** Weights after a short SFT on the task's expert samples. */
export async function pretrain(task: RlTask, steps = 120): Promise<ReadonlyMap<string, TensorData>> {
  const model = loadModel(initialWeights(TINY, new Rng(1)));
  const config = v.parse(SftConfigSchema, {
    steps,
    batchSize: 8,
    learningRate: 0.01,
    warmupSteps: 5,
    evaluateEvery: 10_000,
  });
  await trainSft(config, { model, examples: task.prompts.map(({ example }) => example) });
  const weights = await readWeights(model.weights);
  disposeWeights(model.weights);
  return weights;
}

/** A model that the caller frees with `disposeWeights`. */
export function loadModel(weights: ReadonlyMap<string, TensorData>): Transformer {
  return { config: TINY, weights: loadWeights(TINY, weights) };
}

/** The result of a run. */
export interface RunOutcome {
  readonly state: GrpoState;
  readonly records: readonly GrpoStep[];
  readonly kept: readonly { readonly step: number; readonly groups: readonly KeptGroup[] }[];
}

export type GrpoSettings = v.InferInput<typeof GrpoConfigSchema>;

/**
 * Trains from some weights, or resumes from a state, until `until` steps are made.
 *
 * @param more - further fields of the run: coefficient, reference, expert data
 */
export async function runGrpo(
  task: RlTask,
  start: ReadonlyMap<string, TensorData>,
  settings: GrpoSettings,
  until: number,
  from?: GrpoState,
  more: Partial<GrpoRun> = {},
): Promise<RunOutcome> {
  const small = { prompts: 3, samples: 4, maxTokens: 20, expertBatch: 6, learningRate: 1e-3, evaluateEvery: 10_000 };
  const config = v.parse(GrpoConfigSchema, { ...small, checkpointEvery: until, keepEvery: 2, ...settings });
  const model = loadModel(from?.weights ?? start);
  const controller = new AbortController();
  const records: GrpoStep[] = [];
  const kept: RunOutcome['kept'][number][] = [];
  let state: GrpoState | undefined;
  try {
    await trainGrpo(config, {
      model,
      task,
      expert: task.prompts.map(({ example }) => example),
      resume: from,
      signal: controller.signal,
      onStep: (record) => records.push(record),
      onKeep: (step, groups) => kept.push({ step, groups }),
      onCheckpoint: async (saved) => {
        state ??= saved;
        controller.abort(); // as a killed tab would, right after a checkpoint
        await Promise.resolve();
      },
      ...more,
    });
  } catch (error) {
    if (state === undefined) throw error;
  } finally {
    disposeWeights(model.weights);
  }
  if (state === undefined) throw new Error('runGrpo: no checkpoint was made');
  return { state, records, kept };
}
