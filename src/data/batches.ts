/**
 * Builds training batches from token sequences: bucketed lengths, and a data order that is a pure function of seed and
 * step.
 *
 * Because the order is a function and not a running shuffle, resuming needs only the step. Lengths are rounded up so
 * that a run uses few distinct shapes, because tfjs's WebGPU pool keeps one buffer per exact size and never frees it.
 *
 * This room holds what turns pairs into training data: splits, batches, packed rows, the tokenizer and file readers.
 */
import { LabError } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import type { PackedLayout } from './packed-rows.ts';

/** One training sequence: a prompt and its completion. */
export interface Example {
  readonly prompt: Int32Array;
  readonly completion: Int32Array;
}

/** A batch for next-token prediction on completions. */
export interface TrainingBatch {
  readonly B: number;
  readonly T: number;
  /** B*T input ids, padded on the right with 0. */
  readonly ids: Int32Array;
  /** Positions and visible ranges of the tokens, for packed rows. */
  readonly layout?: PackedLayout;
  /** The M distinct rows b*T + t whose next token is scored, then rows of weight 0 as padding of M. */
  readonly rows: Int32Array;
  /** The M next tokens. */
  readonly targets: Int32Array;
  /** The M loss weights. */
  readonly weights: Float32Array;
  /** Input tokens of the sequences, without padding. Shared tokens count for each sequence. */
  readonly tokens: number;
}

/** Lengths are rounded up to a multiple of this many tokens. */
export const LENGTH_BUCKET = 16;
/** Scored rows are rounded up to a multiple of this. */
const ROW_BUCKET = 128;
/** Batches of shuffled examples that are sorted by length together: little padding, still well mixed. */
const BATCHES_PER_WINDOW = 32;

/** The smallest multiple of `bucket` that is at least `length`. */
export function roundUp(length: number, bucket: number): number {
  return Math.ceil(length / bucket) * bucket;
}

/**
 * The order of batches over any number of epochs.
 */
export class BatchOrder {
  readonly batchesPerEpoch: number;
  readonly #lengths: readonly number[];
  readonly #batchSize: number;
  readonly #seed: number;
  #epoch = -1;
  #batches: number[][] = [];

  /**
   * @param lengths - the length of every example
   * @throws {LabError} `bad-config` if there are fewer examples than one batch needs.
   */
  constructor(lengths: readonly number[], batchSize: number, seed: number) {
    this.#lengths = lengths;
    this.#batchSize = batchSize;
    this.#seed = seed;
    this.batchesPerEpoch = Math.floor(lengths.length / batchSize);
    if (this.batchesPerEpoch === 0) {
      throw new LabError('bad-config', {
        message: 'There are too few examples for one batch.',
        expected: `at least ${batchSize}`,
        got: `${lengths.length}`,
        fix: 'Use more data or a smaller batch size.',
      });
    }
  }

  /** The example indices of batch `step`, counted from the start of the run. */
  at(step: number): readonly number[] {
    const epoch = Math.floor(step / this.batchesPerEpoch);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#batches = this.#shuffledEpoch(epoch);
    }
    return this.#batches[step % this.batchesPerEpoch] ?? [];
  }

  #shuffledEpoch(epoch: number): number[][] {
    const rng = new Rng(`data order ${this.#seed} epoch ${epoch}`);
    const order = rng.shuffle(this.#lengths.map((_, index) => index));
    const windowSize = this.#batchSize * BATCHES_PER_WINDOW;
    const batches: number[][] = [];
    for (let start = 0; start < order.length; start += windowSize) {
      // The remainder is dropped before sorting, because which examples are dropped must not depend on their length.
      const available = Math.min(windowSize, order.length - start);
      const window = order.slice(start, start + available - (available % this.#batchSize));
      window.sort((a, b) => (this.#lengths[a] ?? 0) - (this.#lengths[b] ?? 0));
      for (let i = 0; i < window.length; i += this.#batchSize) {
        batches.push(window.slice(i, i + this.#batchSize));
      }
    }
    return rng.shuffle(batches).slice(0, this.batchesPerEpoch);
  }
}

/**
 * Builds a batch that scores completions only.
 *
 * @param labelWeight - the loss weight of the first completion token (the label); all others have weight 1
 */
export function makeTrainingBatch(examples: readonly Example[], labelWeight = 1): TrainingBatch {
  const B = examples.length;
  const longest = Math.max(...examples.map(({ prompt, completion }) => prompt.length + completion.length - 1));
  const T = roundUp(longest, LENGTH_BUCKET);
  const ids = new Int32Array(B * T);
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  let tokens = 0;
  for (const [b, { prompt, completion }] of examples.entries()) {
    ids.set(prompt, b * T);
    ids.set(completion.subarray(0, completion.length - 1), b * T + prompt.length); // the last token is only a target
    tokens += prompt.length + completion.length - 1;
    for (const [i, target] of completion.entries()) {
      rows.push(b * T + prompt.length - 1 + i);
      targets.push(target);
      weights.push(i === 0 ? labelWeight : 1);
    }
  }
  padRows(rows, targets, weights, B * T);
  return {
    B,
    T,
    ids,
    rows: Int32Array.from(rows),
    targets: Int32Array.from(targets),
    weights: Float32Array.from(weights),
    tokens,
  };
}

/**
 * Pads the scored rows of a batch of N in place. Rows must stay distinct (see selectRows), so the padding uses rows
 * that are not scored.
 */
export function padRows(rows: number[], targets: number[], weights: number[], N: number): void {
  const wanted = Math.min(N, roundUp(rows.length, ROW_BUCKET));
  const used = new Set(rows);
  for (let row = N - 1; rows.length < wanted; row--) {
    if (used.has(row)) continue;
    rows.push(row);
    targets.push(0);
    weights.push(0);
  }
}
