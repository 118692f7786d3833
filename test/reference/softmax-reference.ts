/**
 * Softmax and the losses made of it, in double precision and in nats.
 */
import { at, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/** The softmax of one row. A row of -Infinity only, where nothing may be chosen, gives zeros. */
export function softmaxRow(logits: ArrayLike<number>): Float64Array {
  const row = Float64Array.from(logits);
  const max = Math.max(...row);
  if (max === -Infinity) return row.fill(0);
  const exponentials = row.map((logit) => Math.exp(logit - max));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** The log-softmax of one row of finite logits, without leaving the log domain. */
export function logSoftmaxRow(logits: ArrayLike<number>): Float64Array {
  const row = Float64Array.from(logits);
  const max = Math.max(...row);
  const logSum = max + Math.log(row.reduce((total, logit) => total + Math.exp(logit - max), 0));
  return row.map((logit) => logit - logSum);
}

/** Softmax over the last axis. */
export function softmaxReference(logits: Tensor64): Tensor64 {
  return mapRows(logits, softmaxRow);
}

/** Log-softmax over the last axis. */
export function logSoftmaxReference(logits: Tensor64): Tensor64 {
  return mapRows(logits, logSoftmaxRow);
}

/**
 * The negative log-likelihood of each row's target, in nats.
 *
 * @param logits - [N, V]
 * @param targets - N ids in [0, V)
 * @returns N values
 */
export function tokenNllReference(logits: Tensor64, targets: readonly number[]): Float64Array {
  return Float64Array.from(rowsOf(logits), (row, n) => -at(logSoftmaxRow(row), at(targets, n)));
}

/**
 * Cross-entropy as a weighted mean over rows, in nats: sum_n w_n nll_n / sum_n w_n; 0 where all weights are 0.
 *
 * @param logits - [N, V]
 * @param targets - N ids in [0, V)
 * @param weights - N weights >= 0; all 1 by default. A row of weight 0 is not looked at.
 */
export function crossEntropyReference(
  logits: Tensor64,
  targets: readonly number[],
  weights?: readonly number[],
): number {
  let weighted = 0;
  let total = 0;
  for (const [n, nll] of tokenNllReference(logits, targets).entries()) {
    const weight = weights === undefined ? 1 : at(weights, n);
    if (weight === 0) continue;
    weighted += weight * nll;
    total += weight;
  }
  return total === 0 ? 0 : weighted / total;
}

function mapRows(x: Tensor64, transform: (row: Float64Array) => Float64Array): Tensor64 {
  const y = tensor64(x.shape);
  for (const [n, row] of rowsOf(y).entries()) row.set(transform(at(rowsOf(x), n)));
  return y;
}
