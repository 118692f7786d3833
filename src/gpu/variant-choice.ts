/**
 * Which of several ways to compute the same is the fastest on this device: found out by trying.
 *
 * Kernels are recorded by synchronous code, and a time can only be waited for. So what is asked for the first time is
 * computed by the first variant and remembered; when work comes to a place where it can wait, {@link VariantChoices.measure}
 * tries out what has been remembered since, and from then on the fastest is taken. Variants give the same bits, so that neither a
 * wrong choice nor a late one changes a result; one that does not, on a device whose compiler or driver has it otherwise, is
 * never taken, and neither is one that the device refuses. Where nothing can be tried the first variant stays.
 */
import * as tf from '@tensorflow/tfjs-core';
import { yieldToMessages } from '../common/yield.ts';

/** A computation that can be done in several ways. */
export interface Contest<Variant extends { readonly name: string }> {
  /** What the choice holds for: the kind of work, one word, and after it what else matters and, roughly, the size. */
  readonly key: string;
  /** The first takes everything, and is taken until the choice is made. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Gives what the computation needs, of its true size, and of values by which a wrong result would show. */
  readonly prepare: () => tf.Tensor[];
  /** Gives all that the computation makes. */
  readonly compute: (variant: Variant, inputs: tf.Tensor[]) => tf.Tensor[];
}

/** The device that choices are made on. */
export interface TryingDevice {
  /** Resolves when all that was recorded has been computed. */
  readonly wait: () => Promise<void>;
  /** Does some work; rejects if the device refuses any of it. */
  readonly guard: <T>(work: () => Promise<T>) => Promise<T>;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

/** A variant in a contest, with everything at hand to run it. */
interface Contestant {
  readonly name: string;
  readonly run: () => tf.Tensor[];
  bestMs: number;
}

/** A measurement lasts about as long, so that waiting for the device does not count. */
const ROUND_MS = 4;
const ROUNDS = 3;
const MOST_REPEATS = 256;
/** Whoever is as many times slower at first sight is out, if that is more than a tick of a coarse clock. */
const HOPELESS = 3;
const TICK_MS = 1;
/** A variant that was out this often in contests of a kind is not tried in others: on a slow device that saves minutes. */
const OUT_FOR_GOOD = 2;
/** Free buffers that a result could be given; filled, so that one which was not written to does not pass for a result. */
const SPOILED_BUFFERS = 4;

/** Sizes that are taken for alike: powers of four. */
export function magnitude(size: number): number {
  return 4 ** Math.round(Math.log(size) / Math.log(4));
}

/**
 * Values between -1 and 1 that do not repeat soon, to try variants with.
 *
 * @param seed - others for another, a whole number
 */
export function variedValues(shape: readonly number[], seed = 0): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape([...shape]));
  for (let i = 0; i < values.length; i++) values[i] = variedBits(i + seed) / 2 ** 31 - 1;
  return tf.tensor(values, [...shape]);
}

/** The i-th of 32-bit numbers that fill their range evenly: multiples of the golden ratio's share of it. */
export function variedBits(i: number): number {
  return Math.imul(i + 1, 0x9e3779b1) >>> 0;
}

/** The choices made on one device. */
export class VariantChoices {
  readonly #chosen = new Map<string, string>();
  readonly #pending = new Map<string, () => Promise<string>>();
  /** How often variants were hopeless, by kind of contest and name. */
  readonly #hopeless = new Map<string, number>();
  readonly #device: TryingDevice;

  constructor(device: TryingDevice) {
    this.#device = device;
  }

  /** The variant to take for now. */
  pick<Variant extends { readonly name: string }>(contest: Contest<Variant>): Variant {
    const { key, variants } = contest;
    const name = this.#chosen.get(key);
    if (name === undefined && variants.length > 1 && !this.#pending.has(key)) {
      this.#pending.set(key, () => this.#fastest(contest));
    }
    return variants.find((variant) => variant.name === name) ?? variants[0];
  }

  /**
   * Tries out what was picked without a choice so far; other work gets its turn between two choices. Costs nothing where there is
   * nothing to try.
   *
   * @param signal - when it fires, the rest is left for the next call
   */
  async measure(signal?: AbortSignal): Promise<void> {
    for (const [key, decide] of this.#pending) {
      await yieldToMessages();
      if (signal?.aborted === true) return;
      if (!this.#pending.delete(key)) continue; // another call has taken it
      this.#chosen.set(key, await decide());
    }
  }

  /** What was chosen for what. */
  get chosen(): ReadonlyMap<string, string> {
    return this.#chosen;
  }

  async #fastest<Variant extends { readonly name: string }>(contest: Contest<Variant>): Promise<string> {
    const [{ name: first }] = contest.variants;
    const inputs: tf.Tensor[] = [];
    try {
      inputs.push(...contest.prepare());
      const running = await this.#contestants(contest, inputs);
      const leastMs = Math.min(...running.map(({ bestMs }) => bestMs));
      const hopeful = running.filter(({ bestMs }) => bestMs <= HOPELESS * Math.max(leastMs, TICK_MS));
      for (const { name } of running.filter((each) => !hopeful.includes(each))) {
        const outs = outsOf(contest, name);
        this.#hopeless.set(outs, (this.#hopeless.get(outs) ?? 0) + 1);
      }
      const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.round(ROUND_MS / leastMs)));
      for (const contestant of hopeful) contestant.bestMs = Infinity; // a single run waits more than it computes
      for (let round = 0; round < ROUNDS; round++) {
        for (const contestant of hopeful) {
          contestant.bestMs = Math.min(contestant.bestMs, await this.#timed(contestant.run, repeats));
        }
      }
      return hopeful.reduce((a, b) => (b.bestMs < a.bestMs ? b : a)).name;
    } catch {
      // Too little memory to try, say: the work itself may have enough, and a lost device is told where the work meets it.
      return first;
    } finally {
      tf.dispose(inputs);
    }
  }

  /** Those that compute what the first does, each run twice. */
  async #contestants<Variant extends { readonly name: string }>(
    contest: Contest<Variant>,
    inputs: tf.Tensor[],
  ): Promise<Contestant[]> {
    const { variants, compute } = contest;
    const contestants: Contestant[] = [];
    let expected: Results | undefined;
    for (const variant of variants) {
      if (expected !== undefined && (this.#hopeless.get(outsOf(contest, variant.name)) ?? 0) >= OUT_FOR_GOOD) continue;
      const run = (): tf.Tensor[] => compute(variant, inputs);
      try {
        if (expected !== undefined) {
          spoil(expected.shapes);
          await this.#device.wait(); // buffers are free once what was recorded has been handed over
        }
        const results = await this.#device.guard(() => readAll(run())); // compiles
        expected ??= results;
        if (!isSame(results, expected)) continue;
        contestants.push({ name: variant.name, run, bestMs: await this.#timed(run, 1) });
      } catch (error) {
        if (expected === undefined) throw error; // what takes everything must run
      }
    }
    return contestants;
  }

  /** Milliseconds of one run. */
  async #timed(run: () => tf.Tensor[], repeats: number): Promise<number> {
    const startMs = this.#device.now();
    for (let i = 0; i < repeats; i++) tf.dispose(run());
    await this.#device.wait();
    return (this.#device.now() - startMs) / repeats;
  }
}

function outsOf({ key }: { readonly key: string }, name: string): string {
  return `${key.split(' ')[0] ?? ''} ${name}`;
}

/** What a computation made. */
interface Results {
  readonly shapes: readonly number[][];
  readonly values: readonly Float32Array[];
}

async function readAll(tensors: tf.Tensor[]): Promise<Results> {
  try {
    const values = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
    return { shapes: tensors.map(({ shape }) => shape), values };
  } finally {
    tf.dispose(tensors);
  }
}

/** Buffers that were freed are given out again with what is in them, which would be the right result. */
function spoil(shapes: readonly number[][]): void {
  const spoiled = shapes.flatMap((shape) => {
    return Array.from({ length: SPOILED_BUFFERS }, () => tf.fill(shape, SPOILED));
  });
  tf.dispose(spoiled);
}

/** Far from all that is computed from values between -1 and 1. */
const SPOILED = -1e30;

function isSame(results: Results, expected: Results): boolean {
  return results.values.every((values, n) => values.every((value, i) => value === expected.values[n]?.[i]));
}
