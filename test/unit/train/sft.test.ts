import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BatchOrder, LENGTH_BUCKET, makeTrainingBatch } from '../../../src/data/batches.ts';
import { RESUMED_ON, useBackend } from '../../reference/backends.ts';
import { callsOf, judgeOverflow, judgeResume, learnableExamples, runSteps } from '../../reference/sft-runs.ts';

describe.each(RESUMED_ON)('SFT on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('resumes bit for bit from a checkpoint', () => judgeResume(1));

  it('resumes bit for bit with accumulated gradients', () => judgeResume(2));

  it('resumes bit for bit in mixed precision', () => judgeResume(1, 'mixed'));

  it('skips updates that overflow in mixed precision, and resumes bit for bit', judgeOverflow);

  it('logs, evaluates and saves when its settings say, and at the end', async () => {
    const settings = { steps: 7, logEvery: 3, evaluateEvery: 4, checkpointEvery: 5 };
    expect(await callsOf(settings, (step) => step === 2)).toEqual([
      'log 2', 'log 3', 'log 4', 'evaluate 4', 'save 5', 'log 6', 'log 7', 'evaluate 7', 'save 7',
    ]); // prettier-ignore
  });

  it('frees all it allocates', async () => {
    const before = tf.memory().numTensors;
    await runSteps(3, 3, 1);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('BatchOrder', () => {
  const lengths = learnableExamples(103).map(({ prompt, completion }) => prompt.length + completion.length);

  it('uses an example at most once per epoch, and each in some epoch', () => {
    const order = new BatchOrder(lengths, 8, 1);
    const seen = new Set<number>();
    for (let epoch = 0; epoch < 12; epoch++) {
      const ids = Array.from({ length: order.batchesPerEpoch }, (_, i) => order.at(epoch * order.batchesPerEpoch + i));
      expect(new Set(ids.flat()).size).toBe(ids.flat().length);
      expect(ids.every((batch) => batch.length === 8)).toBe(true);
      for (const id of ids.flat()) seen.add(id);
    }
    expect(seen.size).toBe(103);
  });

  it('is a function of seed and step, whatever was drawn before', () => {
    const a = new BatchOrder(lengths, 8, 1);
    const b = new BatchOrder(lengths, 8, 1);
    a.at(40);
    expect(a.at(17)).toEqual(b.at(17));
    expect(new BatchOrder(lengths, 8, 2).at(17)).not.toEqual(b.at(17));
  });

  it('rejects fewer examples than one batch', () => {
    expect(() => new BatchOrder([1, 2], 8, 1)).toThrow(/at least 8/);
  });
});

describe('makeTrainingBatch', () => {
  const batch = makeTrainingBatch(
    [
      { prompt: Int32Array.of(5, 6, 7), completion: Int32Array.of(20, 21, 1) },
      { prompt: Int32Array.of(8), completion: Int32Array.of(22, 1) },
    ],
    3,
  );

  it('scores the completion tokens, each from the row before it', () => {
    const T = LENGTH_BUCKET;
    expect(batch.T).toBe(T);
    expect([...batch.ids.subarray(0, 6)]).toEqual([5, 6, 7, 20, 21, 0]);
    expect([...batch.ids.subarray(T, T + 3)]).toEqual([8, 22, 0]);
    expect([...batch.rows.subarray(0, 5)]).toEqual([2, 3, 4, T, T + 1]);
    expect([...batch.targets.subarray(0, 5)]).toEqual([20, 21, 1, 22, 1]);
    expect([...batch.weights.subarray(0, 5)]).toEqual([3, 1, 1, 3, 1]);
    expect(batch.tokens).toBe(7);
  });

  it('is padded with distinct rows of weight 0', () => {
    expect(new Set(batch.rows).size).toBe(batch.rows.length);
    expect(batch.weights.subarray(5).every((weight) => weight === 0)).toBe(true);
  });
});
