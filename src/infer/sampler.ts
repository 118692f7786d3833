/**
 * From logits to the next token. Greedy at temperature 0; otherwise a draw whose randomness is a function of seed, row
 * and position, so that a completion does not depend on the batch it was made in. On WebGPU a kernel draws from the
 * same numbers (kernels/sample-token.ts).
 *
 * Room `infer/`: everything that reads a model without changing it: loading, first-token scores, completions, and one
 * pair as a stream of events. Constrained decoding belongs in `infer/held/`, measures over many pairs in `train/`.
 */
import { LabError } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';

/** How tokens are chosen. */
export interface SamplerConfig {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  readonly seed: number;
  /** The number of most likely tokens to draw from; default: all. */
  readonly topK?: number | undefined;
  /** Draws from the most likely tokens whose mass reaches this share, after top-k; default 1: all. */
  readonly topP?: number | undefined;
}

/** Always the most likely token. */
export const GREEDY: SamplerConfig = { temperature: 0, seed: 0 };

/** A chosen token and its log-probability at the sampler's temperature (greedy: 1), before top-k and top-p, in nats. */
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
  { temperature, seed, topK = row.length, topP = 1 }: SamplerConfig,
  rowId: number,
  position: number,
): SampledToken {
  const best = argMax(row);
  const max = row[best] ?? -Infinity;
  const divisor = temperature > 0 ? temperature : 1;
  const mass = massOf(row, max, divisor);
  let id = best;
  if (temperature > 0) {
    const uniform = new Rng(`${seed}/${rowId}/${position}`).next();
    const kept = topK < row.length || topP < 1 ? mostLikely(row, max, temperature, topK, topP) : row;
    const massThere = kept === row ? mass : massOf(kept, max, temperature);
    id = draw(kept, max, temperature, uniform * massThere) ?? best; // rounding left a sliver: the mode is as good as any
  }
  return { id, logProb: ((row[id] ?? -Infinity) - max) / divisor - Math.log(mass) };
}

/**
 * Chooses one of the allowed tokens, as {@link sampleToken} chooses among all.
 *
 * @param logits - V of them
 * @param allowed - in ascending order, at least one
 * @returns the token and its log-probability among the allowed ones, at temperature 1, in nats
 */
export function sampleAllowed(
  logits: Float32Array,
  allowed: Int32Array,
  sampler: SamplerConfig,
  rowId: number,
  position: number,
): SampledToken {
  const row = Float32Array.from(allowed, (id) => logits[id] ?? -Infinity);
  const { id, logProb } = sampleToken(row, sampler, rowId, position);
  return { id: allowed[id] ?? -1, logProb };
}

/** @throws {LabError} `bad-config` */
export function checkSampler({ temperature, topK = 1, topP = 1 }: SamplerConfig): void {
  if (temperature >= 0 && topK >= 1 && topP > 0 && topP <= 1) return;
  throw new LabError('bad-config', {
    message: 'The sampler is not usable.',
    expected: 'a temperature of at least 0, top-k of at least 1, top-p above 0 and at most 1',
    got: `temperature ${temperature}, top-k ${topK}, top-p ${topP}`,
  });
}

/** The row with all but the most likely tokens at -Infinity; of equal ones the lower id comes first. */
function mostLikely(row: Float32Array, max: number, temperature: number, topK: number, topP: number): Float32Array {
  const order = Array.from(row.keys()).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
  const weightOf = (id: number): number => Math.exp(((row[id] ?? -Infinity) - max) / temperature);
  const first = order.slice(0, topK);
  let missing = topP * first.reduce((sum, id) => sum + weightOf(id), 0);
  const kept = new Float32Array(row.length).fill(-Infinity);
  for (const id of first) {
    kept[id] = row[id] ?? -Infinity;
    missing -= weightOf(id);
    if (missing <= 0 && topP < 1) break;
  }
  return kept;
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
