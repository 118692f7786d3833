/**
 * The optimizer over several steps against the double-precision reference, which itself follows PyTorch; on whichever
 * backend is current.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { disposeWeights, type Weights } from '../../src/model/weights.ts';
import { AdamW, type AdamWConfig } from '../../src/optim/adamw.ts';
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

async function step(
  optimizer: AdamW,
  gradients: ReadonlyMap<string, Float64Array>,
  learningRate: number,
): Promise<number> {
  const tensors = toTensors(gradients);
  const norm = optimizer.apply(tensors, learningRate);
  const [value = NaN] = await norm.data();
  tf.dispose([norm, tensors]);
  return value;
}

/** What is expected of the optimizer. */
export const ADAMW_CASES: readonly { readonly title: string; readonly judge: () => Promise<void> }[] = [
  {
    title: 'follows the reference: clipped, decaying matrices only',
    judge: async () => {
      const weights = makeWeights();
      const optimizer = new AdamW(weights, CONFIG);
      let states = [...startValues().values()].map(adamWStart);
      for (const i of SCALES.keys()) {
        const gradients = gradientsOf(i);
        const learningRate = 0.05 / (i + 1);
        const norm = await step(optimizer, gradients, learningRate);

        const plain = [...gradients.values()];
        expectClose([norm], [globalNormReference(plain)], { absolute: 0, relative: 1e-6 }, 'norm before clipping');
        const clipped = clipByGlobalNormReference(plain, CONFIG.maxGradNorm);
        states = states.map((state, p) => {
          const weightDecay = at(SHAPES, p)[1].length >= 2 ? CONFIG.weightDecay : 0;
          return adamWStepReference(state, at(clipped, p), { ...CONFIG, weightDecay, learningRate });
        });
        for (const [p, variable] of [...weights.values()].entries()) {
          expectClose(
            await variable.data(),
            at(states, p).parameter,
            { absolute: 1e-6 },
            `${at(SHAPES, p)[0]} after step ${i}`,
          );
        }
      }
      optimizer.dispose();
      disposeWeights(weights);
    },
  },
  {
    title: 'goes on after a restart as if it had not stopped, bit for bit',
    judge: async () => {
      const [straight, interrupted] = [makeWeights(), makeWeights()];
      const one = new AdamW(straight, CONFIG);
      for (const i of SCALES.keys()) await step(one, gradientsOf(i), 0.01);

      const two = new AdamW(interrupted, CONFIG);
      for (const i of [0, 1]) await step(two, gradientsOf(i), 0.01);
      const state = await two.readState();
      expect(state.step).toBe(2);
      two.dispose();
      const three = new AdamW(interrupted, CONFIG, state);
      for (const i of [2, 3]) await step(three, gradientsOf(i), 0.01);

      for (const [name] of SHAPES) {
        expect(await interrupted.get(name)?.data()).toEqual(await straight.get(name)?.data());
      }
      for (const optimizer of [one, three]) optimizer.dispose();
      for (const weights of [straight, interrupted]) disposeWeights(weights);
    },
  },
  {
    title: 'takes a missing gradient for zero and leaves no tensor behind',
    judge: async () => {
      const before = tf.memory().numTensors;
      const weights = makeWeights();
      const optimizer = new AdamW(weights, { ...CONFIG, weightDecay: 0 });
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
