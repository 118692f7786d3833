/**
 * However an update is split into passes, it learns the same: the tokens of all passes have equal weight.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { Rng } from '../../../src/common/rng.ts';
import { SftConfigSchema } from '../../../src/config/sft-config.ts';
import { type Example, makeTrainingBatch } from '../../../src/data/batches.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { disposeWeights, initialWeights, loadWeights, readWeights } from '../../../src/model/weights.ts';
import {
  combineGradients,
  compareGradients,
  disposeGradients,
  type LossGradients,
  lossGradients,
  pacedGradients,
} from '../../../src/train/gradients.ts';
import { sftBatches, sftLoss, sftPasses, trainSft, type SftLogEntry } from '../../../src/train/sft.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { learnableExamples } from '../../reference/sft-runs.ts';
import { makeTask, pretrain, runGrpo, TINY } from './grpo-runs.ts';

/** Sequences of all lengths, so that the means of parts of a batch differ from the mean of the whole. */
const unevenExample = fc.record({
  prompt: fc.array(fc.integer({ min: 2, max: 36 }), { minLength: 1, maxLength: 12 }).map((ids) => Int32Array.from(ids)),
  completion: fc
    .array(fc.integer({ min: 1, max: 36 }), { minLength: 1, maxLength: 9 })
    .map((ids) => Int32Array.from(ids)),
});

function freshModel(): Transformer {
  return { config: TINY, weights: loadWeights(TINY, initialWeights(TINY, new Rng(2))) };
}

/** The loss and all gradients, one after the other. */
async function learnedFrom(model: Transformer, parts: readonly (readonly Example[])[], labelWeight: number) {
  const batches = parts.map((part) => makeTrainingBatch(part, labelWeight));
  return valuesOf(lossGradients(model.weights, sftPasses(model, batches)));
}

async function valuesOf(sum: LossGradients | undefined) {
  if (sum === undefined) throw new Error('there were no passes');
  const [loss = NaN] = await sum.loss.data();
  const values = await Promise.all(sum.byWeight.map((gradient) => gradient.data<'float32'>()));
  disposeGradients(sum);
  return { loss, gradient: Float32Array.from(values.flatMap((part) => [...part])) };
}

describe('a supervised update', () => {
  beforeAll(() => useBackend('wasm'));

  it('has the loss and the gradient of the whole batch', async () => {
    const model = freshModel();
    const cases = fc.record({
      examples: fc.array(unevenExample, { minLength: 2, maxLength: 8 }),
      cut: fc.integer({ min: 1, max: 7 }),
      labelWeight: fc.constantFrom(1, 3.5),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ examples, cut, labelWeight }) => {
        const parts = [examples.slice(0, cut), examples.slice(cut)].filter((part) => part.length > 0);
        const batch = makeTrainingBatch(examples, labelWeight);
        const whole = await valuesOf(lossGradients(model.weights, [() => ({ loss: sftLoss(model, batch) })]));
        const split = await learnedFrom(model, parts, labelWeight);
        expectClose([split.loss], [whole.loss], { absolute: 1e-6, relative: 1e-6 }, 'loss');
        expectClose(split.gradient, whole.gradient, { absolute: 1e-6 }, 'gradient');
      }),
      { numRuns: 20 },
    );
    disposeWeights(model.weights);
  });

  it('has terms that may be missing, and is compared with another where both are there', async () => {
    const model = freshModel();
    const [one, other] = fc.sample(unevenExample, { numRuns: 2, seed: 4 }).map((example) => {
      return lossGradients(model.weights, sftPasses(model, [makeTrainingBatch([example])]));
    });
    if (one === undefined || other === undefined) throw new Error('two gradients');
    const normOf = async (terms: Parameters<typeof combineGradients>[1]): Promise<number> => {
      const combined = combineGradients(model.weights, terms);
      if (combined === undefined) return NaN;
      const squares = tf.tidy(() => tf.addN(Object.values(combined).map((gradient) => tf.sum(tf.square(gradient)))));
      const [square = NaN] = await squares.data();
      tf.dispose([combined, squares]);
      return Math.sqrt(square);
    };
    const missing = { factor: 1, gradients: undefined };
    expect(combineGradients(model.weights, [missing, { factor: 0, gradients: one }])).toBeUndefined();
    const { firstNorm, secondNorm, cosine } = await compareGradients(one, other);
    const [a, b, c] = [firstNorm ?? NaN, secondNorm ?? NaN, cosine ?? NaN];
    const both = [{ factor: 1, gradients: one }, missing, { factor: -2, gradients: other }];
    expectClose(
      [
        await normOf([{ factor: 1, gradients: one }]),
        await normOf([missing, { factor: 3, gradients: other }]),
        await normOf(both),
      ],
      [a, 3 * b, Math.sqrt(a * a + 4 * b * b - 4 * a * b * c)],
      { absolute: 0, relative: 1e-3 }, // tfjs sums the squares in float32
      'norms',
    );
    expect(await compareGradients(one, undefined, 4)).toEqual({ firstNorm: a / 4, secondNorm: null, cosine: null });
    expect(await compareGradients(undefined, other, 4)).toEqual({ firstNorm: null, secondNorm: b / 4, cosine: null });
    for (const each of [one, other]) disposeGradients(each);
    disposeWeights(model.weights);
  });

  it('frees what it has computed if something in between fails', async () => {
    const model = freshModel();
    const batches = fc.sample(unevenExample, { numRuns: 3, seed: 2 }).map((example) => makeTrainingBatch([example]));
    const before = tf.memory().numTensors;
    let passes = 0;
    const stop = (): Promise<void> => (++passes < 2 ? Promise.resolve() : Promise.reject(new Error('stop')));
    await expect(pacedGradients(model.weights, sftPasses(model, batches), undefined, stop)).rejects.toThrow('stop');
    expect([passes, tf.memory().numTensors]).toEqual([2, before]);
    disposeWeights(model.weights);
  });

  it('draws the same examples however it is split', () => {
    const examples = learnableExamples(50);
    const drawn = (batchSize: number, accumulation: number, step: number): number[] =>
      sftBatches(
        { batchSize, accumulation, labelWeight: 1, seed: 4 },
        examples,
      )(step).flatMap(({ targets, weights }) => [...targets].filter((_, row) => weights[row] !== 0));
    for (const step of [0, 1, 6, 20]) {
      expect(drawn(4, 2, step)).toEqual(drawn(8, 1, step));
      expect(drawn(1, 8, step)).toEqual(drawn(8, 1, step));
    }
    expect(() => sftBatches({ batchSize: 10, accumulation: 6, labelWeight: 1, seed: 4 }, examples)).toThrow(
      /at least 60/,
    );
  });

  it.each(['f32', 'mixed'] as const)('logs the gradient norm of each weight in %s', async (precision) => {
    const examples = unevenExamples(24);
    const settings = {
      steps: 2,
      batchSize: 6,
      accumulation: 2,
      warmupSteps: 2,
      logEvery: 2,
      evaluateEvery: 1000,
      precision,
    };
    const config = v.parse(SftConfigSchema, settings);
    const model = freshModel();
    const log: SftLogEntry[] = [];
    const before = new Map<number, Map<string, number>>();
    await trainSft(config, {
      model,
      examples,
      onLog: (entry) => log.push(entry),
      beforeUpdate: async (step) => {
        const passes = sftPasses(model, sftBatches(config, examples)(step));
        const gradients = lossGradients(model.weights, passes);
        const norms = new Map<string, number>();
        for (const [i, name] of [...model.weights.keys()].entries()) {
          const values = await gradients?.byWeight[i]?.data<'float32'>();
          norms.set(name, Math.hypot(...(values ?? [])));
        }
        disposeGradients(gradients);
        before.set(step, norms);
      },
    });
    disposeWeights(model.weights);
    expect(log.map(({ step }) => step)).toEqual([2]);
    const [norms, wanted] = [log[0]?.gradNorms ?? {}, before.get(1) ?? new Map<string, number>()];
    expect(Object.keys(norms)).toEqual([...wanted.keys()]);
    // Halves round what mixed precision multiplies.
    const tolerance = precision === 'f32' ? { absolute: 1e-7, relative: 1e-4 } : { absolute: 1e-4, relative: 2e-2 };
    expectClose(Object.values(norms), [...wanted.values()], tolerance, 'norms');
    expect(Math.hypot(...Object.values(norms))).toBeCloseTo(log[0]?.gradNorm ?? NaN, 5);
  });

  it('makes the same run as without accumulation', async () => {
    const examples = unevenExamples(60);
    const run = async (batchSize: number, accumulation: number) => {
      const model = freshModel();
      const log: SftLogEntry[] = [];
      const settings = { steps: 6, batchSize, accumulation, warmupSteps: 2, logEvery: 1, labelWeight: 2 };
      await trainSft(v.parse(SftConfigSchema, settings), { model, examples, onLog: (entry) => log.push(entry) });
      const weights = await readWeights(model.weights);
      disposeWeights(model.weights);
      return { log, weights };
    };
    const [whole, cut] = [await run(12, 1), await run(3, 4)];
    expect([whole.log.length, cut.log.length]).toEqual([6, 6]);
    for (const [i, entry] of whole.log.entries()) {
      expect(cut.log[i]?.tokens).toBe(entry.tokens);
      expectClose([cut.log[i]?.lossNats ?? NaN], [entry.lossNats], { absolute: 0, relative: 1e-5 }, 'loss');
      expectClose([cut.log[i]?.gradNorm ?? NaN], [entry.gradNorm ?? NaN], { absolute: 0, relative: 1e-4 }, 'norm');
    }
    expect(whole.log[5]?.lossNats).toBeLessThan(whole.log[0]?.lossNats ?? NaN);
    expect([...cut.weights.keys()]).toEqual([...whole.weights.keys()]);
    for (const [name, { data }] of whole.weights) {
      expectClose(cut.weights.get(name)?.data ?? [], data, { absolute: 1e-4, relative: 1e-3 }, name);
    }
  });
});

/** Seeded examples with completions of 1 to 9 tokens. */
function unevenExamples(count: number): Example[] {
  return fc.sample(unevenExample, { numRuns: count, seed: 8 });
}

describe('a GRPO update', () => {
  beforeAll(() => useBackend('wasm'));

  it.each([
    ['mean per completion, expert beside', { sequencesPerPass: 5 }],
    ['mean over tokens, KL to the start', { loss: { kind: 'dapo' }, kl: { kind: 'k3', beta: 0.1 } }],
    ['expert samples by certainty', { balance: { kind: 'srft' } }],
  ] as const)('has the same losses and norm however it is split: %s', async (_, settings) => {
    const task = makeTask();
    const start = await pretrain(task, 60);
    const first = async (sequencesPerPass: number) => {
      const isAnchored = 'kl' in settings;
      const reference = isAnchored ? { config: TINY, weights: loadWeights(TINY, start) } : undefined;
      const { records } = await runGrpo(task, start, { steps: 1, ...settings, sequencesPerPass }, 1, undefined, {
        reference,
      });
      if (reference !== undefined) disposeWeights(reference.weights);
      return records[0];
    };
    const [whole, cut] = [await first(64), await first(5)];
    expect(cut?.tokens).toEqual(whole?.tokens);
    expectClose(
      [cut?.loss.policy ?? NaN, cut?.loss.expert ?? NaN],
      [whole?.loss.policy ?? NaN, whole?.loss.expert ?? NaN],
      { absolute: 1e-6, relative: 1e-6 },
      'losses',
    );
    expectClose([cut?.gradient.norm ?? NaN], [whole?.gradient.norm ?? NaN], { absolute: 1e-6, relative: 1e-5 }, 'norm');
  });
});
