/** Log-probabilities of labels, which have no gradient, against the double-precision log-softmax. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { labelLogProbs } from '../../src/ops/label-log-probs.ts';
import { expectClose } from './expect-close.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { logSoftmaxRow } from './softmax-reference.ts';
import { at, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

interface LabelCase {
  readonly title: string;
  readonly logits: Tensor64;
  readonly ids: readonly number[];
}

function labelCase(M: number, V: number, ids: readonly number[]): LabelCase {
  const title = `labelLogProbs of ${ids.length} in [${M},${V}]`;
  return { title, logits: randomTensor64([M, V], title, 3), ids };
}

/** Tiny, odd, in vectors of four, and with logits far apart. */
export const LABEL_CASES: readonly LabelCase[] = [
  labelCase(1, 1, [0]),
  labelCase(7, 5, [4, 0]),
  labelCase(33, 130, [129, 2, 64, 5]),
  labelCase(3, 1028, [1027, 0, 3]),
  { title: 'labelLogProbs of logits 1000 apart', logits: tensor64([1, 4], [1000, 0, -1000, 999]), ids: [1, 3] },
];

/** Expects value and memory to be right on the current backend. */
export async function judgeLabels({ logits, ids }: LabelCase): Promise<void> {
  const before = tf.memory().numTensors;
  const [M = 0, V = 0] = logits.shape;
  const y = tf.tidy(() => labelLogProbs(tf.tensor2d(Float32Array.from(logits.data), [M, V]), ids));
  expect(y.shape).toEqual([M, ids.length]);
  const expected = rowsOf(logits).flatMap((row) => {
    const logProbs = logSoftmaxRow(row);
    return ids.map((id) => at(logProbs, id));
  });
  expectClose(await y.data(), expected, { absolute: 2e-5, relative: 2e-5 });
  y.dispose();
  expect(tf.memory().numTensors).toBe(before);
}
