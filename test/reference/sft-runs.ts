/**
 * Short training runs for tests of resuming: whatever the backend, a run that was interrupted must end in the same bits
 * as one that was not.
 */
import { expect } from 'vitest';
import * as v from 'valibot';
import { Rng } from '../../src/common/rng.ts';
import type { ModelConfig } from '../../src/config/model-config.ts';
import { SftConfigSchema, type TrainingPrecision } from '../../src/config/sft-config.ts';
import { trainBpe } from '../../src/data/tokenizer/bpe-trainer.ts';
import { LabTokenizer } from '../../src/data/tokenizer/tokenizer.ts';
import type { Example } from '../../src/data/batches.ts';
import { readSftCheckpoint, writeSftCheckpoint } from '../../src/runs/sft-checkpoint.ts';
import { SftExperimentSchema } from '../../src/protocol/sft-experiment.ts';
import { SPECIAL_TOKENS } from '../../src/relevance/pair/vocabulary.ts';
import { type LossScale, nextLossScale } from '../../src/optim/loss-scale.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import { type SftLogEntry, type SftState, trainSft } from '../../src/train/sft.ts';
import { expectSameWeights } from './expect-same-weights.ts';

const MODEL: ModelConfig = {
  vocabSize: 37,
  width: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  hidden: 40,
  maxPositions: 64,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

/** Completions that follow from their prompts, so that there is something to learn. */
export function learnableExamples(count: number, seed = 5): Example[] {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => {
    const prompt = Int32Array.from({ length: 4 + rng.int(20) }, () => 2 + rng.int(30));
    const last = prompt[prompt.length - 1] ?? 0;
    return { prompt, completion: Int32Array.of(2 + (last % 4), last, 1) };
  });
}

const SETTINGS = { batchSize: 8, warmupSteps: 2, seed: 3, logEvery: 1, evaluateEvery: 1000 };

/** Trains from `from` (or from the start) to `steps`, and returns the last state and the log. */
export async function runSteps(
  steps: number,
  totalSteps: number,
  accumulation: number,
  from?: SftState,
  precision: TrainingPrecision = 'f32',
): Promise<{ state: SftState; log: SftLogEntry[] }> {
  const weights = from?.weights ?? initialWeights(MODEL, new Rng(1));
  const model = { config: MODEL, weights: loadWeights(MODEL, weights) };
  const chosen = { steps: totalSteps, accumulation, checkpointEvery: steps, precision };
  const config = v.parse(SftConfigSchema, { ...SETTINGS, ...chosen });
  const controller = new AbortController();
  const log: SftLogEntry[] = [];
  let state: SftState | undefined;
  const run = trainSft(config, {
    model,
    examples: learnableExamples(40),
    resume: from,
    signal: controller.signal,
    onLog: (entry) => log.push(entry),
    onCheckpoint: async (saved) => {
      state = saved;
      controller.abort(); // as a killed tab would, right after a checkpoint
      await Promise.resolve();
    },
  });
  if (steps === totalSteps) await run;
  else await expect(run).rejects.toMatchObject({ code: 'aborted' });
  disposeWeights(model.weights);
  if (state === undefined) throw new Error('runSteps: no checkpoint was made');
  return { state, log };
}

/** What a run calls, in order. */
export async function callsOf(
  settings: v.InferInput<typeof SftConfigSchema>,
  isLogWanted: (step: number) => boolean,
): Promise<string[]> {
  const model = { config: MODEL, weights: loadWeights(MODEL, initialWeights(MODEL, new Rng(1))) };
  const calls: string[] = [];
  const called = (name: string, step: number): Promise<void> => Promise.resolve(void calls.push(`${name} ${step}`));
  await trainSft(v.parse(SftConfigSchema, { ...SETTINGS, ...settings }), {
    model,
    examples: learnableExamples(40),
    isLogWanted,
    onLog: ({ step }) => void called('log', step),
    onEvaluate: (step) => called('evaluate', step),
    onCheckpoint: ({ step }) => called('save', step),
  });
  disposeWeights(model.weights);
  return calls;
}

/** Checks that 2N steps equal N steps, saving to bytes, loading, and N more: bit for bit, logs included. */
export async function judgeResume(accumulation: number, precision: TrainingPrecision = 'f32'): Promise<void> {
  await judgeHalves((steps, totalSteps, from) => runSteps(steps, totalSteps, accumulation, from, precision));
}

/** The same where the scale of the loss is too large by far: gradients overflow until it has come down. */
export async function judgeOverflow(): Promise<void> {
  const { state } = await runSteps(1, 20, 1, undefined, 'mixed');
  let lossScale: LossScale = { scale: 2 ** 24, good: 5, skipped: 0 };
  const far = { ...state, optimizer: { ...state.optimizer, lossScale } };
  const log = await judgeHalves((steps, totalSteps, from = far) => runSteps(steps, totalSteps, 1, from, 'mixed'));
  for (const entry of log) {
    lossScale = nextLossScale(lossScale, entry.gradNorm !== null);
    expect(entry.lossScale).toEqual(lossScale);
  }
  expect(log[0]?.gradNorm).toBeNull();
  expect(lossScale.skipped).toBeGreaterThan(1);
  expect(log.at(-1)?.gradNorm).toBeGreaterThan(0);
}

/**
 * Checks that a run and its two halves are the same, and gives the log.
 *
 * @param run - trains to `steps` of `totalSteps`, from a state or from where it always begins
 */
async function judgeHalves(
  run: (steps: number, totalSteps: number, from?: SftState) => ReturnType<typeof runSteps>,
): Promise<SftLogEntry[]> {
  const N = 6; // 40 examples in batches of 8 are 5 per epoch: the data order crosses epochs on both sides
  const whole = await run(2 * N, 2 * N);
  const firstHalf = await run(N, 2 * N);
  const experiment = v.parse(SftExperimentSchema, {});
  const tokenizer = LabTokenizer.fromJson(trainBpe([' a'], { vocabSize: 500, specialTokens: SPECIAL_TOKENS }));
  const bytes = writeSftCheckpoint({
    experiment,
    tokenizer,
    dataHash: 'w',
    trainPairs: 40,
    state: firstHalf.state,
    curve: [],
  });
  const restored = readSftCheckpoint(bytes);
  expect(restored.state.step).toBe(N);
  const secondHalf = await run(2 * N, 2 * N, restored.state);

  expect(secondHalf.state.optimizer).toEqual(whole.state.optimizer);
  expect(secondHalf.state.tokens).toBe(whole.state.tokens);
  expectSameWeights(secondHalf.state.weights, whole.state.weights);
  expect([...firstHalf.log, ...secondHalf.log]).toEqual(whole.log);
  return whole.log;
}
