/**
 * The optimizer over several steps against the double-precision reference, which itself follows PyTorch; on whichever
 * backend is current.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { disposeWeights, type Weights } from '../../src/model/weights.ts';
import { AdamW, type AdamWConfig, type AdamWState } from '../../src/optim/adamw.ts';
import { FIRST_LOSS_SCALE, GROWTH_INTERVAL } from '../../src/optim/loss-scale.ts';
import { expectClose } from './expect-close.ts';
import {
  adamWStart,
  adamWStepReference,
  clipByGlobalNormReference,
  globalNormReference,
} from './optimizer-reference.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { at } from './tensor64.ts';

const CONFIG: AdamWConfig = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.5, maxGradNorm: 2 };
const MIXED: AdamWConfig = { ...CONFIG, precision: 'mixed' };
const SHAPES = [
  ['matrix', [3, 5]],
  ['gain', [7]],
  ['other', [2, 2]],
  ['table', [70, 65]], // more elements than one pass of the kernel sums side by side
] as const;
/** Gradient sizes of four steps: the first is not clipped, the others are. */
const SCALES = [0.1, 1, 3, 10];

function startValues(): Map<string, Float64Array> {
  return new Map(SHAPES.map(([name, shape]) => [name, randomTensor64(shape, name).data]));
}

function gradientsOf(step: number): Map<string, Float64Array> {
  return new Map(SHAPES.map(([name, shape]) => [name, randomTensor64(shape, `${name} ${step}`, SCALES[step]).data]));
}

function makeWeights(): Weights {
  const start = toTensors(startValues());
  const weights = new Map(Object.entries(start).map(([name, tensor]) => [name, tf.variable(tensor)]));
  tf.dispose(start);
  return weights;
}

function toTensors(gradients: ReadonlyMap<string, Float64Array>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    SHAPES.flatMap(([name, shape]) => {
      const gradient = gradients.get(name);
      return gradient === undefined ? [] : [[name, tf.tensor(Float32Array.from(gradient), [...shape])]];
    }),
  );
}

/** Where an optimizer of some weights begins. */
async function stateOf(weights: Weights): Promise<AdamWState> {
  const optimizer = new AdamW(weights, CONFIG);
  const state = await optimizer.readState();
  optimizer.dispose();
  return state;
}

/** @param factor - what the gradients are multiplied by */
async function step(
  optimizer: AdamW,
  gradients: ReadonlyMap<string, Float64Array>,
  learningRate: number,
  factor = 1,
): Promise<number> {
  const tensors = toTensors(new Map([...gradients].map(([name, data]) => [name, data.map((value) => value * factor)])));
  const norm = optimizer.apply(tensors, learningRate);
  const [value = NaN] = await norm.data();
  tf.dispose([norm, tensors]);
  return value;
}

/** Expects what the optimizer makes of some steps. @param factor - what the gradients come multiplied by */
async function judgeSteps(config: AdamWConfig, factor: number): Promise<void> {
  const weights = makeWeights();
  const optimizer = new AdamW(weights, config);
  let states = [...startValues().values()].map(adamWStart);
  for (const i of SCALES.keys()) {
    const gradients = gradientsOf(i);
    const learningRate = 0.05 / (i + 1);
    const norm = await step(optimizer, gradients, learningRate, factor);

    const plain = [...gradients.values()];
    expectClose([norm], [globalNormReference(plain)], { absolute: 0, relative: 1e-6 }, 'norm before clipping');
    const clipped = clipByGlobalNormReference(plain, CONFIG.maxGradNorm);
    states = states.map((state, p) => {
      const weightDecay = at(SHAPES, p)[1].length >= 2 ? CONFIG.weightDecay : 0;
      return adamWStepReference(state, at(clipped, p), { ...CONFIG, weightDecay, learningRate });
    });
    for (const [p, variable] of [...weights.values()].entries()) {
      const what = `${at(SHAPES, p)[0]} after step ${i}`;
      expectClose(await variable.data(), at(states, p).parameter, { absolute: 1e-6 }, what);
    }
  }
  optimizer.dispose();
  disposeWeights(weights);
}

async function expectSameWeights(got: Weights, expected: Weights): Promise<void> {
  for (const [name] of SHAPES) expect(await got.get(name)?.data(), name).toEqual(await expected.get(name)?.data());
}

/** What is expected of the optimizer. */
export const ADAMW_CASES: readonly { readonly title: string; readonly judge: () => Promise<void> }[] = [
  {
    title: 'follows the reference: clipped, decaying matrices only',
    judge: () => judgeSteps(CONFIG, 1),
  },
  {
    title: 'finds the norm of millions of gradients of like size',
    judge: async () => {
      const size = 3_000_001; // no multiple of what any sum is cut into
      const gradient = randomTensor64([size], 'many gradients', 1e-3).data;
      const weights = new Map([['many', tf.variable(tf.zeros([size]))]]);
      const optimizer = new AdamW(weights, CONFIG);
      const tensors = { many: tf.tensor1d(Float32Array.from(gradient)) };
      const norm = optimizer.apply(tensors, 0.01);
      expectClose(await norm.data(), [globalNormReference([gradient])], { absolute: 0, relative: 1e-5 }, 'norm');
      tf.dispose([norm, tensors]);
      optimizer.dispose();
      disposeWeights(weights);
    },
  },
  {
    title: 'follows the reference from gradients of a scaled loss',
    judge: () => judgeSteps(MIXED, FIRST_LOSS_SCALE.scale),
  },
  {
    title: 'scales a loss in mixed precision only, and counts good updates until it doubles the scale',
    judge: async () => {
      const weights = makeWeights();
      const loss = tf.scalar(1.5);
      const plain = new AdamW(weights, CONFIG);
      expect(plain.scaled(loss)).toBe(loss);
      expect(await plain.readLossScale()).toBeUndefined();
      plain.dispose();

      const state = { ...(await stateOf(weights)), lossScale: { scale: 8, good: GROWTH_INTERVAL - 2, skipped: 3 } };
      const optimizer = new AdamW(weights, MIXED, { ...state, step: 3 });
      const scaled = optimizer.scaled(loss);
      expect([...(await scaled.data())]).toEqual([12]);
      await step(optimizer, gradientsOf(0), 0.01, 8);
      expect(await optimizer.readLossScale()).toEqual({ scale: 8, good: GROWTH_INTERVAL - 1, skipped: 3 });
      await step(optimizer, gradientsOf(1), 0.01, 8);
      expect(await optimizer.readLossScale()).toEqual({ scale: 16, good: 0, skipped: 3 });
      optimizer.dispose();
      disposeWeights(weights);
      tf.dispose([loss, scaled]);
    },
  },
  {
    title: 'skips an update whose gradient is not finite and halves the scale: all else is as if it had not been',
    judge: async () => {
      const [straight, stumbling] = [makeWeights(), makeWeights()];
      const one = new AdamW(straight, MIXED);
      for (const i of [0, 1]) await step(one, gradientsOf(i), 0.01, 2 ** 16);

      const two = new AdamW(stumbling, MIXED);
      await step(two, gradientsOf(0), 0.01, 2 ** 16);
      const before = await two.readState();
      for (const [i, bad] of [Infinity, -Infinity, NaN].entries()) {
        const gradients = gradientsOf(1);
        gradients.get('table')?.fill(bad, 4548, 4549);
        expect(Number.isFinite(await step(two, gradients, 0.01, 2 ** 16))).toBe(false);
        expect(await two.readState()).toEqual({
          ...before,
          step: 2 + i,
          lossScale: { scale: 2 ** (15 - i), good: 0, skipped: i + 1 },
        });
      }
      await step(two, gradientsOf(1), 0.01, 2 ** 13);

      await expectSameWeights(stumbling, straight);
      expect((await two.readState()).secondMoment).toEqual((await one.readState()).secondMoment);
      for (const optimizer of [one, two]) optimizer.dispose();
      for (const weights of [straight, stumbling]) disposeWeights(weights);
    },
  },
  {
    title: 'goes on after a restart as if it had not stopped, bit for bit',
    judge: async () => {
      for (const config of [CONFIG, MIXED]) {
        const [straight, interrupted] = [makeWeights(), makeWeights()];
        const one = new AdamW(straight, config);
        for (const i of SCALES.keys()) await step(one, gradientsOf(i), 0.01);

        const two = new AdamW(interrupted, config);
        for (const i of [0, 1]) await step(two, gradientsOf(i), 0.01);
        const state = await two.readState();
        expect(state.step).toBe(2);
        two.dispose();
        const three = new AdamW(interrupted, config, state);
        for (const i of [2, 3]) await step(three, gradientsOf(i), 0.01);

        await expectSameWeights(interrupted, straight);
        expect(await three.readState()).toEqual(await one.readState());
        for (const optimizer of [one, three]) optimizer.dispose();
        for (const weights of [straight, interrupted]) disposeWeights(weights);
      }
    },
  },
  {
    title: 'takes a missing gradient for zero and leaves no tensor behind',
    judge: async () => {
      const before = tf.memory().numTensors;
      const weights = makeWeights();
      const optimizer = new AdamW(weights, { ...CONFIG, weightDecay: 0 });
      const none = new Float32Array([...weights.values()].reduce((sum, { size }) => sum + size, 0));
      expect(await optimizer.readState()).toEqual({ step: 0, firstMoment: none, secondMoment: none });
      const gradients = gradientsOf(1);
      gradients.delete('gain');
      await step(optimizer, gradients, 0.1);
      expectClose((await weights.get('gain')?.data()) ?? [], startValues().get('gain') ?? [], { absolute: 0 }, 'gain');
      optimizer.dispose();
      disposeWeights(weights);
      expect(tf.memory().numTensors).toBe(before);
    },
  },
];
