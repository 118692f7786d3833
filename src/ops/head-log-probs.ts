/**
 * Log-probabilities and entropies of next tokens, directly from hidden states, without the logits of all rows at once:
 * `[N,V]` for a batch of thousands of tokens and a vocabulary of tens of thousands would be the largest tensor of a
 * training step, twice.
 *
 * Rows are processed in chunks: in the forward pass their logits are reduced to one or two numbers per row and dropped;
 * in the backward pass they are recomputed. That adds one product to three, so small batches, whose logits fit anyway,
 * are processed at once and give exactly the bits of {@link tokenLogProbs} and {@link tokenScores}.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { MAX_LOGITS } from '../gpu/kernel-steps.ts';
import { differentiable } from './differentiable.ts';
import { type AllowedTokens, allowedRows, heldLogits } from './held-logits.ts';
import { linear, linearGradients, linearInput } from './linear.ts';
import { tokenLogProbs, tokenLogProbsGradient } from './token-log-probs.ts';
import { joinedScores, joinedScoresGradient, splitScores, type TokenScores, tokenScores } from './token-scores.ts';

/** Options for the logits of a head. */
export interface HeadOptions {
  /** The most logits (rows times vocabulary) at once. Default 2^24. */
  readonly mostLogits?: number;
  /** Default f32. */
  readonly precision?: TrainingPrecision | undefined;
  /** The tokens allowed in each row; default: all. */
  readonly allowed?: AllowedTokens | undefined;
}

/** An op on rows of logits, given by its two passes; the rows are the last axis of the value. */
interface RowsOp<Value extends tf.Tensor> {
  readonly forward: (logits: tf.Tensor2D, targets: Int32Array) => Value;
  readonly gradient: (dY: Value, logits: tf.Tensor2D, targets: Int32Array) => tf.Tensor2D;
}

/**
 * `log softmax(x W^T)[n, targets[n]]`.
 *
 * @param x - hidden states `[N,C]`
 * @param weight - the head, `[V,C]`
 * @param targets - N token ids in [0, V)
 * @returns `[N]`, in nats
 */
export function headLogProbs(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: Int32Array,
  options: HeadOptions = {},
): tf.Tensor1D {
  const rows = rowsAtOnce(weight, options);
  if (x.shape[0] <= rows) return tokenLogProbs(headLogits(x, weight, options), targets);
  return inChunks(x, weight, targets, options, { forward: tokenLogProbs, gradient: tokenLogProbsGradient });
}

/** The same, and the entropy of each row. Parameters as in {@link headLogProbs}. */
export function headScores(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: Int32Array,
  options: HeadOptions = {},
): TokenScores {
  const rows = rowsAtOnce(weight, options);
  if (x.shape[0] <= rows) return tokenScores(headLogits(x, weight, options), targets);
  return splitScores(inChunks(x, weight, targets, options, { forward: joinedScores, gradient: joinedScoresGradient }));
}

/** The logits of rows, restricted to the allowed tokens. */
function headLogits(x: tf.Tensor2D, weight: tf.Tensor2D, { precision, allowed }: HeadOptions): tf.Tensor2D {
  const free = linear(linearInput(x, precision), weight);
  return allowed === undefined ? free : heldLogits(free, allowed);
}

function rowsAtOnce({ shape: [V] }: tf.Tensor2D, { mostLogits = MAX_LOGITS }: HeadOptions): number {
  return Math.max(1, Math.floor(mostLogits / V));
}

/** Applies an op to the logits of all rows, in chunks of the size that may be held at once. */
function inChunks<Value extends tf.Tensor>(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: Int32Array,
  options: HeadOptions,
  { forward, gradient }: RowsOp<Value>,
): Value {
  const [N, C] = x.shape;
  const { precision, allowed } = options;
  const rows = rowsAtOnce(weight, options);
  const chunks = Array.from({ length: Math.ceil(N / rows) }, (_, i) => {
    const start = i * rows;
    const size = Math.min(rows, N - start);
    const held = allowed === undefined ? undefined : allowedRows(allowed, start, size);
    return { start, size, ids: targets.subarray(start, start + rows), held };
  });
  return differentiable<[tf.Tensor2D, tf.Tensor2D], Value>({
    inputs: [x, weight],
    forward: (save) => {
      save(x);
      save(weight);
      const parts = chunks.map(({ start, size, ids, held }) =>
        tf.tidy(() => {
          return forward(headLogits(tf.slice(x, [start, 0], [size, C]), weight, { precision, allowed: held }), ids);
        }),
      );
      return tf.concat(parts, -1);
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
      const dX: tf.Tensor2D[] = [];
      let dWeight: tf.Tensor2D | undefined;
      for (const { start, size, ids, held } of chunks) {
        const before = dWeight;
        const [dPart, sum] = tf.tidy(() => {
          const part = tf.slice(savedX, [start, 0], [size, C]);
          // Tokens that are not allowed have no probability, and so no gradient.
          const rowLogits = headLogits(part, savedWeight, { precision, allowed: held });
          const dLogits = gradient(lastAxisSlice(dY, start, size), rowLogits, ids);
          const [dH, dW] = linearGradients(dLogits, part, savedWeight, precision);
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

/** `size` entries of the last axis. */
function lastAxisSlice<Value extends tf.Tensor>(x: Value, start: number, size: number): Value {
  const others = x.shape.slice(0, -1);
  return tf.slice(x, [...others.map(() => 0), start], [...others, size]);
}
