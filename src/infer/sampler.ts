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
  const best = argMax(row);
  const max = row[best] ?? -Infinity;
  const mass = massOf(row, max, 1);
  let id = best;
  if (temperature > 0) {
    const uniform = new Rng(`${seed}/${rowId}/${position}`).next();
    const massThere = temperature === 1 ? mass : massOf(row, max, temperature);
    id = draw(row, max, temperature, uniform * massThere) ?? best; // rounding left a sliver: the mode is as good as any
  }
  return { id, logProb: (row[id] ?? -Infinity) - max - Math.log(mass) };
}

function argMax(row: Float32Array): number {
  let best = 0;
  let max = row[0] ?? -Infinity;
  for (let id = 1; id < row.length; id++) {
    const logit = row[id] ?? -Infinity;
    if (logit > max) [best, max] = [id, logit];
  }
  return best;
}

/** The sum of all unnormalised probabilities, in float64. */
function massOf(row: Float32Array, max: number, temperature: number): number {
  let mass = 0;
  for (const logit of row) mass += Math.exp((logit - max) / temperature);
  return mass;
}

/** The first token at which the cumulated mass passes `mass`. */
function draw(row: Float32Array, max: number, temperature: number, mass: number): number | undefined {
  let remaining = mass;
  for (let id = 0; id < row.length; id++) {
    remaining -= Math.exp(((row[id] ?? -Infinity) - max) / temperature);
    if (remaining < 0) return id;
  }
  return undefined;
}
