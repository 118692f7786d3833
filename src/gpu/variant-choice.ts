/**
 * Which of several ways to compute the same is the fastest on this device: found out by trying.
 *
 * Kernels are recorded by synchronous code, and a time can only be waited for. So what is asked for the first time is
 * computed by the first variant and remembered; when work comes to a place where it can wait, {@link VariantChoices.measure}
 * tries out what has been remembered since, and from then on the fastest is taken. Variants give the same bits, so that neither a
 * wrong choice nor a late one changes a result; one that does not, on a device whose compiler or driver has it otherwise, is
 * never taken.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** A computation that can be done in several ways. */
export interface Contest<Variant extends { readonly name: string }> {
  /** What the choice holds for: the kind of work and, roughly, its size. */
  readonly key: string;
  /** The first is taken until the choice is made. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Gives what the computation needs, of its true size, and of values by which a wrong result would show. */
  readonly prepare: () => tf.Tensor[];
  readonly compute: (variant: Variant, inputs: tf.Tensor[]) => tf.Tensor;
}

/** A variant in a contest, with everything at hand to run it. */
interface Contestant {
  readonly name: string;
  readonly run: () => tf.Tensor;
  bestMs: number;
}

/** A measurement lasts about as long, so that waiting for the device does not count. */
const ROUND_MS = 4;
const ROUNDS = 3;
const MOST_REPEATS = 256;
/** Whoever is as many times slower at first sight is out. */
const HOPELESS = 3;

/** Sizes that are taken for alike: powers of four. */
export function magnitude(size: number): number {
  return 4 ** Math.round(Math.log(size) / Math.log(4));
}

/** The choices made on one device. */
export class VariantChoices {
  readonly #chosen = new Map<string, string>();
  readonly #pending = new Map<string, () => Promise<void>>();
  readonly #waitForDevice: () => Promise<void>;
  readonly #now: () => number;

  /**
   * @param waitForDevice - resolves when all that was recorded has been computed
   * @param now - a clock in milliseconds, default `performance.now`
   */
  constructor(waitForDevice: () => Promise<void>, now: () => number = () => performance.now()) {
    this.#waitForDevice = waitForDevice;
    this.#now = now;
  }

  /** The variant to take for now. */
  pick<Variant extends { readonly name: string }>(contest: Contest<Variant>): Variant {
    const { key, variants } = contest;
    const name = this.#chosen.get(key);
    if (name === undefined && variants.length > 1 && !this.#pending.has(key)) {
      this.#pending.set(key, async () => {
        this.#chosen.set(key, await this.#fastest(contest));
      });
    }
    return variants.find((variant) => variant.name === name) ?? variants[0];
  }

  /** Tries out what was picked without a choice so far. Costs nothing where there is nothing to try. */
  async measure(): Promise<void> {
    for (const [key, decide] of this.#pending) {
      await decide();
      this.#pending.delete(key);
    }
  }

  /** What was chosen for what. */
  get chosen(): ReadonlyMap<string, string> {
    return this.#chosen;
  }

  async #fastest<Variant extends { readonly name: string }>(contest: Contest<Variant>): Promise<string> {
    const inputs = contest.prepare();
    try {
      let running: Contestant[] = [];
      let expected: Float32Array | undefined;
      for (const variant of contest.variants) {
        const run = (): tf.Tensor => contest.compute(variant, inputs);
        const values = await valuesOf(run()); // compiles
        expected ??= values;
        if (isSame(values, expected)) running.push({ name: variant.name, run, bestMs: await this.#timed(run, 1) });
      }
      const leastMs = Math.min(...running.map(({ bestMs }) => bestMs));
      running = running.filter(({ bestMs }) => bestMs <= HOPELESS * leastMs);
      const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.round(ROUND_MS / leastMs)));
      for (const contestant of running) contestant.bestMs = Infinity; // a single run waits more than it computes
      for (let round = 0; round < ROUNDS; round++) {
        for (const contestant of running) {
          contestant.bestMs = Math.min(contestant.bestMs, await this.#timed(contestant.run, repeats));
        }
      }
      return running.reduce((a, b) => (b.bestMs < a.bestMs ? b : a)).name;
    } finally {
      for (const input of inputs) input.dispose();
    }
  }

  /** Milliseconds of one run. */
  async #timed(run: () => tf.Tensor, repeats: number): Promise<number> {
    const startMs = this.#now();
    for (let i = 0; i < repeats; i++) run().dispose();
    await this.#waitForDevice();
    return (this.#now() - startMs) / repeats;
  }
}

async function valuesOf(result: tf.Tensor): Promise<Float32Array> {
  try {
    return await result.data<'float32'>();
  } finally {
    result.dispose();
  }
}

function isSame(values: Float32Array, expected: Float32Array): boolean {
  return values.every((value, i) => value === expected[i]);
}
