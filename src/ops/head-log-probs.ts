/**
 * Log-probabilities of next tokens straight from hidden states, without the logits of all rows at once: `[N,V]` for a batch
 * of thousands of tokens and a vocabulary of tens of thousands would be the largest tensor of a training step, twice.
 *
 * Rows are taken a stretch at a time: forward its logits are reduced to one number a row and dropped; backward they are
 * computed again. That is one product more of three, so small batches, whose logits fit anyway, are done in one piece and are
 * the very same bits as with {@link tokenLogProbs}.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { linear, linearGradients } from './linear.ts';
import { tokenLogProbs, tokenLogProbsGradient } from './token-log-probs.ts';

/** The most logits at once: 64 MiB of them. */
const MOST_LOGITS = 2 ** 24;

/**
 * `log softmax(x W^T)[n, targets[n]]`.
 *
 * @param x - hidden states `[N,C]`
 * @param weight - the head, `[V,C]`
 * @param targets - N token ids in [0, V)
 * @param mostLogits - rows times vocabulary that are held at once, default 2^24
 * @returns `[N]`, in nats
 */
export function headLogProbs(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: Int32Array,
  mostLogits: number = MOST_LOGITS,
): tf.Tensor1D {
  const [N, C] = x.shape;
  const [V] = weight.shape;
  const rows = Math.max(1, Math.floor(mostLogits / V));
  if (N <= rows) return tokenLogProbs(linear(x, weight), targets);
  const starts = Array.from({ length: Math.ceil(N / rows) }, (_, i) => i * rows);
  const stretch = (start: number): { size: number; of: Int32Array } => {
    return { size: Math.min(rows, N - start), of: targets.subarray(start, start + rows) };
  };
  return differentiable<[tf.Tensor2D, tf.Tensor2D], tf.Tensor1D>({
    inputs: [x, weight],
    forward: (save) => {
      save(x);
      save(weight);
      const parts = starts.map((start) => {
        const { size, of } = stretch(start);
        return tf.tidy(() => tokenLogProbs(linear(tf.slice(x, [start, 0], [size, C]), weight), of));
      });
      return tf.concat(parts);
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
      const dX: tf.Tensor2D[] = [];
      let dWeight: tf.Tensor2D | undefined;
      for (const start of starts) {
        const { size, of } = stretch(start);
        const before = dWeight;
        const [dPart, sum] = tf.tidy(() => {
          const part = tf.slice(savedX, [start, 0], [size, C]);
          const dLogits = tokenLogProbsGradient(tf.slice(dY, [start], [size]), linear(part, savedWeight), of);
          const [dH, dW] = linearGradients(dLogits, part, savedWeight);
          return [dH, before === undefined ? dW : tf.add<tf.Tensor2D>(before, dW)] as const;
        });
        before?.dispose();
        dX.push(dPart);
        dWeight = sum;
      }
      return [tf.concat(dX), dWeight ?? tf.zerosLike(savedWeight)];
    },
  });
}
