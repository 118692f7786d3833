/**
 * A tiny student and a random teacher: their predictions are meaningless, but a run must repeat, resume and learn.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { DistillConfigSchema } from '../../../src/config/distill-config.ts';
import type { ModelConfig } from '../../../src/config/model-config.ts';
import { makeTrainingBatch } from '../../../src/data/batches.ts';
import { readDistillCheckpoint, writeDistillCheckpoint } from '../../../src/runs/distill-checkpoint.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../../src/model/weights.ts';
import { distribution } from '../../../src/ops/token-entropies.ts';
import { DistillExperimentSchema } from '../../../src/protocol/distill-experiment.ts';
import { type DistillLogEntry, type DistillState, isStudentsTurn, trainDistill } from '../../../src/train/distill.ts';
import { scoredLogits } from '../../../src/train/policy-batch.ts';
import { askTeacher, isKeepingWorthwhile, KeptAnswers } from '../../../src/train/teacher-logits.ts';
import { RESUMED_ON, useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { learnableExamples } from '../../reference/sft-runs.ts';

const STUDENT: ModelConfig = {
  vocabSize: 37,
  width: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  hidden: 24,
  maxPositions: 64,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};
const TEACHER: ModelConfig = { ...STUDENT, width: 24, layers: 2, headDim: 12 };
const EOS_ID = 1;
const EXAMPLES = learnableExamples(40);
const SMALL = { batchSize: 8, warmupSteps: 2, logEvery: 1, evaluateEvery: 1000, maxTokens: 5, sequencesPerPass: 5 };

type Settings = v.InferInput<typeof DistillConfigSchema>;

function load(config: ModelConfig, seed: number, scale = 1): Transformer {
  const weights = initialWeights(config, new Rng(seed));
  // A larger embedding makes a more certain teacher.
  for (const [name, { data }] of weights) if (name.includes('embed')) data.forEach((x, i) => (data[i] = x * scale));
  return { config, weights: loadWeights(config, weights) };
}

/** Trains from `from`, or from new weights, until `until` updates are made; returns the state and the log. */
async function run(
  settings: Settings,
  until: number,
  total: number,
  from?: DistillState,
): Promise<{ state: DistillState; log: DistillLogEntry[] }> {
  const config = v.parse(DistillConfigSchema, { ...SMALL, ...settings, steps: total, checkpointEvery: until });
  const teacher = load(TEACHER, 7, 20);
  const fresh = load(STUDENT, 1);
  const model = from === undefined ? fresh : { config: STUDENT, weights: loadWeights(STUDENT, from.weights) };
  if (model !== fresh) disposeWeights(fresh.weights);
  const controller = new AbortController();
  const log: DistillLogEntry[] = [];
  let state: DistillState | undefined;
  const ask = askTeacher(teacher);
  const isKept = isKeepingWorthwhile(config, TEACHER.vocabSize, EXAMPLES);
  const training = trainDistill(config, {
    model,
    teacher: isKept ? (await KeptAnswers.make(teacher, EXAMPLES, config, {})).read(ask) : ask,
    examples: EXAMPLES,
    expert: EXAMPLES,
    labelIds: [2, 3, 4, 5],
    eosId: EOS_ID,
    resume: from,
    signal: controller.signal,
    onLog: (entry) => log.push(entry),
    onCheckpoint: async (saved) => {
      state ??= saved;
      controller.abort(); // as a killed process would, right after a checkpoint
      await Promise.resolve();
    },
  });
  if (until === total) await training;
  else await expect(training).rejects.toMatchObject({ code: 'aborted' });
  disposeWeights(model.weights);
  disposeWeights(teacher.weights);
  if (state === undefined) throw new Error('run: no checkpoint was made');
  return { state, log };
}

const VARIANTS: readonly (readonly [string, Settings])[] = [
  ['label KD', { method: { kind: 'label-kd' } }],
  ['JSD, kept in part, beside the expert', { method: { kind: 'jsd' }, teacherTopK: 6, expertWeight: 0.3 }],
  ['in mixed precision', { method: { kind: 'jsd' }, expertWeight: 0.3, precision: 'mixed' }],
  ['on-policy, nothing kept', { method: { kind: 'jsd', studentShare: 0.5, studentFrom: 0.2 }, teacherCacheMiB: 0 }],
];

describe.each(RESUMED_ON)('distillation on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(VARIANTS)('resumes bit for bit from a checkpoint: %s', async (_, settings) => {
    const N = 6; // 5 batches per epoch: the data order crosses epochs on both sides
    const whole = await run(settings, 2 * N, 2 * N);
    const half = await run(settings, N, 2 * N);
    const saved = writeDistillCheckpoint({
      experiment: v.parse(DistillExperimentSchema, {}),
      student: STUDENT,
      teacherHash: 't',
      worldHash: 'w',
      state: half.state,
      curve: [],
    });
    const restored = readDistillCheckpoint(saved);
    expect(restored.state.step).toBe(N);
    const second = await run(settings, 2 * N, 2 * N, restored.state);
    expect(second.state).toEqual(whole.state);
    expect([...half.log, ...second.log]).toEqual(whole.log);
  });

  it('frees all it allocates', async () => {
    const before = tf.memory().numTensors;
    await run({ method: { kind: 'jsd', studentShare: 1, studentFrom: 0 }, expertWeight: 1 }, 3, 3);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('distillation', () => {
  beforeAll(() => useBackend('wasm'));

  const divergences = [
    ['JSD 0.5', 0.5],
    ['KL(teacher || student)', 0],
    ['KL(student || teacher)', 1],
  ] as const;
  it.each(inject('isWhole') ? divergences : divergences.slice(0, 1))(
    'brings the student nearer to the teacher by %s',
    async (_, beta) => {
      const { log } = await run({ method: { kind: 'jsd', beta }, learningRate: 0.01 }, 150, 150);
      const [first, last] = [log[0]?.lossNats ?? NaN, log.at(-1)?.lossNats ?? NaN];
      expect(first).toBeGreaterThan(0.1);
      expect(last).toBeLessThan(first / 2);
    },
  );

  it('learns on its own completions from the configured step, and counts them', async () => {
    const { log } = await run({ method: { kind: 'jsd', studentShare: 1, studentFrom: 0.5 } }, 6, 6);
    expect(log.map(({ isOnPolicy }) => isOnPolicy)).toEqual([false, false, false, true, true, true]);
    expect(log.map(({ tokens }) => tokens.generated > 0)).toEqual([false, false, false, true, true, true]);
  });

  it.each([
    ['label KD', { method: { kind: 'label-kd' }, expertWeight: 0.3 }],
    ['JSD, the label weighed', { method: { kind: 'jsd' }, expertWeight: 0.3, labelWeight: 4 }],
    ['expert', { method: { kind: 'expert' }, labelWeight: 0.5 }],
    ['on-policy', { method: { kind: 'jsd', studentShare: 1, studentFrom: 0 } }],
  ] as const satisfies readonly (readonly [string, Settings])[])(
    'has the same losses and norm however a batch is cut: %s',
    async (_, settings) => {
      const first = async (sequencesPerPass: number): Promise<number[]> => {
        const { log } = await run({ ...settings, sequencesPerPass }, 1, 1);
        return [log[0]?.lossNats ?? NaN, log[0]?.expertLossNats ?? 0, log[0]?.gradNorm ?? NaN];
      };
      const [whole, cut] = [await first(8), await first(3)];
      expectClose(cut, whole, { absolute: 1e-6, relative: 1e-6 }, 'losses and norm');
    },
  );

  it('does not use the expert unless asked', async () => {
    const [without, beside] = [await run({}, 1, 1), await run({ expertWeight: 1 }, 1, 1)];
    expect(without.log[0]).toMatchObject({ expertLossNats: null, tokens: { expert: 0 } });
    expect(beside.log[0]?.expertLossNats).toBeGreaterThan(3); // ln 37 = 3.6 nats before anything is learned
    expect(beside.log[0]?.tokens.expert).toBe(beside.log[0]?.tokens.learned);
    expect(beside.log[0]?.lossNats).toBe(without.log[0]?.lossNats);
  });
});

describe('a distillation run', () => {
  beforeAll(() => useBackend('wasm'));

  /** What a run calls, in order. */
  async function callsOf(settings: Settings, model = load(STUDENT, 1)): Promise<string[]> {
    const calls: string[] = [];
    const called = (name: string, step: number): Promise<void> => Promise.resolve(void calls.push(`${name} ${step}`));
    await trainDistill(v.parse(DistillConfigSchema, { ...SMALL, method: { kind: 'expert' }, ...settings }), {
      model,
      teacher: () => expect.fail('this method asks no teacher'),
      examples: EXAMPLES,
      expert: EXAMPLES,
      labelIds: [2, 3, 4, 5],
      eosId: EOS_ID,
      isLogWanted: (step) => step === 2,
      onLog: ({ step }) => void called('log', step),
      onEvaluate: (step) => called('evaluate', step),
      onCheckpoint: ({ step }) => called('save', step),
    }).finally(() => disposeWeights(model.weights));
    return calls;
  }

  it('logs, evaluates and saves when its settings say, and at the end', async () => {
    expect(await callsOf({ steps: 7, logEvery: 3, evaluateEvery: 4, checkpointEvery: 5 })).toEqual([
      'log 2', 'log 3', 'log 4', 'evaluate 4', 'save 5', 'log 6', 'log 7', 'evaluate 7', 'save 7',
    ]); // prettier-ignore
  });

  it('ends with an error where a loss is not a number', async () => {
    const broken = load(STUDENT, 1);
    for (const variable of broken.weights.values()) tf.tidy(() => variable.assign(tf.fill(variable.shape, NaN)));
    await expect(callsOf({ steps: 2 }, broken)).rejects.toMatchObject({ code: 'not-finite' });
  });

  it('learns from the expert by its weight', async () => {
    // On the same completions L_distill is the same loss, so that gradients add up.
    const normAt = async (expertWeight: number): Promise<number> => {
      const { log } = await run({ method: { kind: 'expert' }, labelWeight: 1, expertWeight }, 1, 1);
      return log[0]?.gradNorm ?? NaN;
    };
    const [alone, half, twice] = [await normAt(0), await normAt(0.5), await normAt(2)];
    expectClose([half, twice], [1.5 * alone, 3 * alone], { absolute: 0, relative: 1e-4 }, 'norms');
    // Of each weight as well, of both terms together.
    const { log } = await run({ method: { kind: 'expert' }, labelWeight: 1, expertWeight: 2 }, 1, 1);
    expect(Object.keys(log[0]?.gradNorms ?? {})).toContain('model.layers.0.mlp.up_proj.weight');
    expectClose([Math.hypot(...Object.values(log[0]?.gradNorms ?? {}))], [twice], { absolute: 0, relative: 1e-4 });
  });
});

describe('isStudentsTurn', () => {
  const config = v.parse(DistillConfigSchema, { method: { kind: 'jsd', studentShare: 0.3 }, steps: 2000 });

  it('occurs with the configured share, in the second half only, as a function of seed and step', () => {
    const turns = Array.from({ length: 2000 }, (_, step) => isStudentsTurn(config, step));
    expect(turns.slice(0, 1000)).not.toContain(true);
    const share = turns.slice(1000).filter(Boolean).length / 1000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
    expect(turns.map((_, step) => isStudentsTurn({ ...config, seed: 2 }, step))).not.toEqual(turns);
  });
});

describe('KeptAnswers', () => {
  const teacher = (): Transformer => load(TEACHER, 7, 20);
  const part = [3, 17, 5];

  /** The rows of some examples as the teacher says them and as they were kept, in log-probabilities. */
  async function bothWays(topK: number): Promise<{ full: Float32Array; kept: Float32Array; used: number }> {
    await useBackend('cpu');
    const model = teacher();
    const batch = makeTrainingBatch(part.flatMap((index) => EXAMPLES[index] ?? []));
    const full = await distribution(scoredLogits(model, batch)).logP.data<'float32'>();
    const config = v.parse(DistillConfigSchema, { ...SMALL, teacherTopK: topK });
    const answers = await KeptAnswers.make(model, EXAMPLES, config, {});
    const kept = await answers.read(askTeacher(model))(batch, part).data<'float32'>();
    const used = batch.weights.filter((weight) => weight > 0).length;
    return { full, kept, used };
  }
  const V = TEACHER.vocabSize;
  const rowsOf = (values: Float32Array, count: number): Float32Array[] =>
    Array.from({ length: count }, (_, row) => values.subarray(row * V, (row + 1) * V));

  it('equals the teacher when all tokens are kept', async () => {
    const { full, kept, used } = await bothWays(1000);
    expectClose(kept.subarray(0, used * V), full.subarray(0, used * V), { absolute: 1e-5, relative: 1e-5 });
    expect(kept.subarray(used * V).every((value) => value === 0)).toBe(true);
  });

  it('keeps the most likely tokens as they are, spreads the rest, and loses no mass', async () => {
    const K = 6;
    const { full, kept, used } = await bothWays(K);
    const pairs = rowsOf(full, used).map((row, i) => [row, rowsOf(kept, used)[i] ?? row] as const);
    for (const [row, compact] of pairs) {
      expect(compact.reduce((mass, logP) => mass + Math.exp(logP), 0)).toBeCloseTo(1, 4);
      const top = [...row.keys()].toSorted((a, b) => (row[b] ?? 0) - (row[a] ?? 0));
      for (const id of top.slice(0, K)) expect(compact[id]).toBeCloseTo(row[id] ?? NaN, 4);
      expect(new Set(top.slice(K).map((id) => compact[id])).size).toBe(1);
    }
    // The two differ by at most the spread mass times its unevenness.
    const klOf = ([row, compact]: readonly [Float32Array, Float32Array]): number =>
      row.reduce((sum, logP, id) => sum + Math.exp(logP) * (logP - (compact[id] ?? NaN)), 0);
    expect(Math.max(...pairs.map(klOf))).toBeLessThan(0.5);
    const finer = await bothWays(24);
    const finerPairs = rowsOf(finer.full, used).map((row, i) => [row, rowsOf(finer.kept, used)[i] ?? row] as const);
    expect(Math.max(...finerPairs.map(klOf))).toBeLessThan(Math.max(...pairs.map(klOf)));
  });

  it('is made in passes, says how far it is, and leaves nothing behind', async () => {
    await useBackend('cpu');
    const model = teacher();
    const before = tf.memory().numTensors;
    const done: number[] = [];
    const config = v.parse(DistillConfigSchema, { ...SMALL, sequencesPerPass: 16 });
    await KeptAnswers.make(model, EXAMPLES, config, { onProgress: (count) => done.push(count) });
    expect(done).toEqual([16, 32, 40]);
    expect(tf.memory().numTensors).toBe(before);
    disposeWeights(model.weights);
  });

  it('is used where it fits and pays', () => {
    const config = v.parse(DistillConfigSchema, { batchSize: 8, steps: 6 });
    expect(isKeepingWorthwhile(config, V, EXAMPLES)).toBe(true);
    expect(isKeepingWorthwhile({ ...config, steps: 5 }, V, EXAMPLES)).toBe(false); // each example comes once
    expect(isKeepingWorthwhile({ ...config, teacherCacheMiB: 0 }, V, EXAMPLES)).toBe(false);
    // 40 completions of 3 tokens, each 32 times an id of 2 and a number of 4 bytes, and 4 bytes for the rest
    const bytes = 40 * 3 * (32 * 6 + 4);
    expect(isKeepingWorthwhile({ ...config, teacherCacheMiB: bytes / 2 ** 20 }, V, EXAMPLES)).toBe(true);
    expect(isKeepingWorthwhile({ ...config, teacherCacheMiB: (bytes - 1) / 2 ** 20 }, V, EXAMPLES)).toBe(false);
  });
});
