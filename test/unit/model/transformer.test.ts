/**
 * The decoder on the backends that need no GPU. The same checks run on WebGPU in `test/gpu`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { KvCache } from '../../../src/model/kv-cache.ts';
import { forward, forwardAt, logits } from '../../../src/model/transformer.ts';
import { selectRows } from '../../../src/ops/embedding.ts';
import { useBackend } from '../../reference/backends.ts';
import { judgeGeneration, judgeScores } from '../../reference/judge-inference.ts';
import {
  compressedModel,
  fixtureModel,
  judgeCache,
  judgeLogits,
  judgeMixedTraining,
  judgeTrainingBySlopes,
  judgeTrainingByTorch,
  randomModel,
} from '../../reference/judge-model.ts';
import { at } from '../../reference/tensor64.ts';
import { TORCH_FIXTURES } from '../../reference/torch-fixture.ts';

describe.each(['cpu', 'wasm'] as const)('the decoder on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(TORCH_FIXTURES)('with the weights of %s', (name) => {
    it('matches the logits of the reference, alone and in a padded batch', async () => {
      using judged = fixtureModel(name);
      await judgeLogits(judged);
    });

    it('matches the loss and all gradients of PyTorch', async () => {
      using judged = fixtureModel(name);
      await judgeTrainingByTorch(judged, name);
    });

    it('gives the same logits in pieces over a cache', async () => {
      using judged = fixtureModel(name);
      await judgeCache(judged, [1, 1, 1]);
      await judgeCache(judged, [5, 1, 1, 7, 1, 2]);
    });

    it('scores and completes like the reference', async () => {
      using judged = fixtureModel(name);
      await judgeScores(judged);
      await judgeGeneration(judged);
    });
  });

  it.each(['f16', 'int8', 'int4'] as const)('answers with matrices in %s like the reference', async (precision) => {
    using judged = compressedModel(precision);
    await judgeLogits(judged);
    await judgeScores(judged);
    await judgeGeneration(judged);
  });

  it.each(['tiny', 'odd', 'tile-crossing'] as const)(
    'matches the logits and gradients of the reference in shape %s',
    async (shape) => {
      using judged = randomModel(shape);
      await judgeLogits(judged);
      await judgeTrainingBySlopes(judged);
    },
  );

  it.each(['grouped', 'tile-crossing'] as const)('trains in mixed precision near float32: %s', async (shape) => {
    using judged = randomModel(shape);
    await judgeMixedTraining(judged);
  });

  it('computes selected rows with the same bits in values and gradients as all rows', async () => {
    using judged = randomModel('odd');
    const { model } = judged;
    const ids = Int32Array.from(at(judged.sequences, 0).tokens);
    const batch = { B: 3, T: 11, ids };
    const rows = Int32Array.of(2, 7, 8, 9, 10, 19, 20, 21, 29, 30, 31);
    const [alone, all] = [forwardAt(model, batch, rows), selectRows(forward(model, batch), rows)];
    expect(await alone.data()).toEqual(await all.data());
    const gradients = [forwardAt, (...[m, b]: Parameters<typeof forwardAt>) => selectRows(forward(m, b), rows)].map(
      (of) =>
        tf.variableGrads(() => tf.sum(tf.square(logits(model, of(model, batch, rows)))), [...model.weights.values()]),
    );
    for (const { name } of model.weights.values()) {
      const [got, expected] = [at(gradients, 0).grads[name], at(gradients, 1).grads[name]];
      expect(await got?.data(), name).toEqual(await expected?.data());
    }
    tf.dispose([alone, all, ...gradients.flatMap(({ value, grads }) => [value, ...Object.values(grads)])]);
  });

  it('frees every weight', () => {
    const { numTensors, numDataBuffers } = tf.memory();
    fixtureModel('qwen2-tiny')[Symbol.dispose]();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });
});

describe('the decoder', () => {
  beforeAll(() => useBackend('cpu'));

  it('rejects ids that do not fill the batch, and more positions than its maximum', () => {
    using judged = fixtureModel('llama-tiny');
    const { model } = judged;
    expect(() => forward(model, { B: 2, T: 3, ids: new Int32Array(5) })).toThrow(/2 x 3 = 6.*Got 5/);
    expect(() => forward(model, { B: 1, T: 65, ids: new Int32Array(65) })).toThrow(/at most 64.*Got 65/);
  });

  it('rejects more tokens than its cache holds', () => {
    using judged = fixtureModel('llama-tiny');
    const cache = new KvCache(judged.model.config, 1, 3);
    const tooMany = () => tf.tidy(() => forward(judged.model, { B: 1, T: 4, ids: new Int32Array(4) }, cache));
    expect(tooMany).toThrow(/at most 3.*Got 4/);
    cache.dispose();
  });
});
