/**
 * From logits to the next token. Greedy at temperature 0; otherwise a draw whose randomness is a function of seed, row
 * and position, so that a completion does not depend on the batch it was made in.
 */
import { Rng } from '../common/rng.ts';

/** How tokens are chosen. */
export interface SamplerConfig {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  readonly seed: number;
}

/** Always the most likely token. */
export const GREEDY: SamplerConfig = { temperature: 0, seed: 0 };

/** A chosen token and its log-probability at temperature 1, in nats. */
export interface SampledToken {
  readonly id: number;
  readonly logProb: number;
}

/**
 * Chooses a token.
 *
 * @param row - V logits
 * @param rowId - names the sequence in its run
 * @param position - of the token in its completion
 */
export function sampleToken(
  row: Float32Array,
  { temperature, seed }: SamplerConfig,
  rowId: number,
  position: number,
): SampledToken {
  const id = temperature === 0 ? argMax(row) : draw(row, temperature, new Rng(`${seed}/${rowId}/${position}`).next());
  return { id, logProb: logProbOf(row, id) };
}

function argMax(row: Float32Array): number {
  let best = 0;
  for (const [id, logit] of row.entries()) {
    if (logit > (row[best] ?? -Infinity)) best = id;
  }
  return best;
}

// Inverse of the cumulative distribution, in float64.
function draw(row: Float32Array, temperature: number, uniform: number): number {
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  let total = 0;
  for (const logit of row) total += Math.exp((logit - max) / temperature);
  let remaining = uniform * total;
  for (const [id, logit] of row.entries()) {
    remaining -= Math.exp((logit - max) / temperature);
    if (remaining < 0) return id;
  }
  return argMax(row); // rounding left a sliver: the mode is as good as any
}

function logProbOf(row: Float32Array, id: number): number {
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  let total = 0;
  for (const logit of row) total += Math.exp(logit - max);
  return (row[id] ?? -Infinity) - max - Math.log(total);
}
