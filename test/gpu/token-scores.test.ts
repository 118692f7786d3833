/**
 * The token score kernels: log-probabilities have the same bits with and without entropies, and in vectors or single
 * numbers.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { tokenLogProbs } from '../../src/ops/token-log-probs.ts';
import { tokenScores } from '../../src/ops/token-scores.ts';
import { useWebGpu } from '../reference/backends.ts';
import { judgeLabels, LABEL_CASES } from '../reference/judge-labels.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('scores of tokens on webgpu', () => {
  beforeAll(() => useWebGpu(openGpu(), 'least'));

  it.each(LABEL_CASES)('$title', judgeLabels);

  describe.each([
    [7, 36],
    [33, 132],
    [5, 2052],
  ])('of logits [%i,%i]', (N, V) => {
    const logits = Float32Array.from(randomTensor64([N, V], 'bits', 4).data);
    const targets = Int32Array.from({ length: N }, (_, n) => (7 * n) % V);
    const dY = Float32Array.from(randomTensor64([N], 'bits dY').data);

    /** Value and gradient as bits. */
    async function bitsOf(op: (x: tf.Tensor2D) => tf.Tensor1D, values: Float32Array, width: number) {
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => op(x as tf.Tensor2D))(
        tf.tensor2d(values, [N, width]),
        tf.tensor1d(dY),
      );
      const [y, dX] = [await value.data<'float32'>(), await grad.data<'float32'>()];
      const ofRows = Array.from({ length: N }, (_, n) => [...dX.subarray(n * width, n * width + V)]);
      tf.dispose([value, grad]);
      return [new Uint32Array(y.slice().buffer), new Uint32Array(Float32Array.from(ofRows.flat()).buffer)];
    }

    it('are the same with entropies', async () => {
      const alone = await bitsOf((x) => tokenLogProbs(x, targets), logits, V);
      const together = await bitsOf((x) => tokenScores(x, targets).logProbs, logits, V);
      expect(together[0]).toEqual(alone[0]);
    });

    it('and gradients are the same in single numbers as in vectors', async () => {
      // One column without probability makes the row length no multiple of four.
      const wider = new Float32Array(N * (V + 1)).fill(-1e30);
      for (let n = 0; n < N; n++) wider.set(logits.subarray(n * V, (n + 1) * V), n * (V + 1));
      const vectors = await bitsOf((x) => tokenLogProbs(x, targets), logits, V);
      const numbers = await bitsOf((x) => tokenLogProbs(x, targets), wider, V + 1);
      expect(numbers).toEqual(vectors);
    });
  });
});
