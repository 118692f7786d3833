/**
 * Autotuning: chooses the fastest of several equivalent kernels on this device by timing them.
 *
 * Kernels are recorded by synchronous code, but a time can only be awaited. So a new computation uses its first variant
 * and is remembered; where work can wait, {@link VariantChoices.measure} times the remembered computations, and from
 * then on the fastest variant is used. Variants give equal bits, so that neither a wrong nor a late choice changes a
 * result. A variant that gives other bits on some device, because of its compiler or driver, is never used, and neither
 * is one that the device rejects. If nothing can be timed, the first variant stays.
 *
 * Choices are kept across page loads and runs (kept-choices.ts). A kept one is not timed again: its variant runs once
 * beside the first, and is used if their bits agree.
 */
import * as tf from '@tensorflow/tfjs-core';
import { yieldToMessages } from '../common/yield.ts';
import type { DeviceChoices, KeptChoice, KeptChoices } from './kept-choices.ts';

/** A computation with several equivalent variants. */
export interface Contest<Variant extends { readonly name: string }> {
  /** The scope of the choice: the kind of work as one word, then its other parameters and the rough size. */
  readonly key: string;
  /** The first handles every input and is used until the choice is made. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** The text of all that decides the bits and the speed of a variant: its shader, as far as it is known. */
  readonly source: (variant: Variant) => string;
  /** Makes inputs of the real size, with values that reveal a wrong result. */
  readonly prepare: () => tf.Tensor[];
  /** Computes all outputs. */
  readonly compute: (variant: Variant, inputs: tf.Tensor[]) => tf.Tensor[];
}

/** The device that variants are timed on. */
export interface TryingDevice {
  /** Resolves when all recorded work has been computed. */
  readonly wait: () => Promise<void>;
  /** Runs some work; rejects if the device rejects any of it. */
  readonly guard: <T>(work: () => Promise<T>) => Promise<T>;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

/** A variant that is timed. */
interface Candidate {
  readonly name: string;
  readonly run: () => tf.Tensor[];
  bestMs: number;
}

/** The variant to use, and what is to be kept unless it is known already. */
interface Decision {
  readonly variant: string;
  readonly newChoice?: KeptChoice;
}

/** Bytes of a hash of shaders. */
const BUILD_BYTES = 16;
/** The approximate duration of a measurement, so that waiting for the device is negligible. */
const ROUND_MS = 4;
const ROUNDS = 3;
const MAX_REPEATS = 256;
/**
 * A variant is ruled out if its first run is this many times slower than the fastest, and by more than a clock tick.
 */
const RULED_OUT_FACTOR = 3;
const TICK_MS = 1;
/** A variant ruled out this often for a kind of work is not timed again, which saves minutes on a slow device. */
const MAX_LOSSES = 2;
/** Free buffers that a result may get; they are overwritten, so that an unwritten buffer does not pass for a result. */
const SPOILED_BUFFERS = 4;

/** Rounds a size to a power of four; sizes that round alike share a choice. */
export function magnitude(size: number): number {
  return 4 ** Math.round(Math.log(size) / Math.log(4));
}

/**
 * Values between -1 and 1 that do not repeat soon, to test variants with.
 *
 * @param seed - an integer; different seeds give different values
 */
export function variedValues(shape: readonly number[], seed = 0): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape([...shape]));
  for (let i = 0; i < values.length; i++) values[i] = variedBits(i + seed) / 2 ** 31 - 1;
  return tf.tensor(values, [...shape]);
}

/** The i-th of 32-bit numbers that fill their range evenly: multiples of the golden ratio modulo 2^32. */
export function variedBits(i: number): number {
  return Math.imul(i + 1, 0x9e3779b1) >>> 0;
}

/** The choices made on one device. */
export class VariantChoices {
  readonly #chosen = new Map<string, string>();
  readonly #pending = new Map<string, (kept: KeptChoice | undefined) => Promise<Decision>>();
  /** How often variants were ruled out, by {@link lossKey}. */
  readonly #losses = new Map<string, number>();
  readonly #device: TryingDevice;
  readonly #keptChoices: DeviceChoices | undefined;
  #kept: Promise<KeptChoices> | undefined;
  #tried = 0;
  #confirmed = 0;

  /** @param kept - where choices are kept; default: nowhere */
  constructor(device: TryingDevice, kept?: DeviceChoices) {
    this.#device = device;
    this.#keptChoices = kept;
  }

  /** The variant to use for now. */
  pick<Variant extends { readonly name: string }>(contest: Contest<Variant>): Variant {
    const { key, variants } = contest;
    const name = this.#chosen.get(key);
    if (name === undefined && variants.length > 1 && !this.#pending.has(key)) {
      this.#pending.set(key, (kept) => this.#decide(contest, kept));
    }
    return variants.find((variant) => variant.name === name) ?? variants[0];
  }

  /**
   * Times the computations picked without a choice so far, or confirms what was kept of them, and yields to other work
   * between two of them. Returns at once if there are none.
   *
   * @param signal - on abort, the rest is left for the next call
   */
  async measure(signal?: AbortSignal): Promise<void> {
    if (this.#pending.size === 0) return;
    const kept = await (this.#kept ??= this.#keptChoices?.load() ?? Promise.resolve(new Map<string, KeptChoice>()));
    const added = new Map<string, KeptChoice>();
    for (const [key, decide] of this.#pending) {
      await yieldToMessages();
      if (signal?.aborted === true) break;
      if (!this.#pending.delete(key)) continue; // another call has taken it
      const { variant, newChoice } = await decide(kept.get(key));
      this.#chosen.set(key, variant);
      if (newChoice !== undefined) added.set(key, newChoice);
    }
    if (added.size > 0) await this.#keptChoices?.save(added);
  }

  /** How many contests were held, and how many kept choices were confirmed instead. */
  get tried(): number {
    return this.#tried;
  }
  get confirmed(): number {
    return this.#confirmed;
  }

  /** The chosen variant by key. */
  get chosen(): ReadonlyMap<string, string> {
    return this.#chosen;
  }

  async #decide<Variant extends { readonly name: string }>(
    contest: Contest<Variant>,
    kept: KeptChoice | undefined,
  ): Promise<Decision> {
    const build = await buildOf(contest);
    const variant = contest.variants.find(({ name }) => kept?.build === build && kept.variant === name);
    if (variant !== undefined && (await this.#hasBitsOfFirst(contest, variant))) {
      this.#confirmed += 1;
      return { variant: variant.name };
    }
    this.#tried += 1;
    const fastest = await this.#fastest(contest);
    if (fastest === undefined) return { variant: contest.variants[0].name };
    return { variant: fastest, newChoice: { variant: fastest, build } };
  }

  /** Runs a variant and the first, each once. */
  async #hasBitsOfFirst<Variant extends { readonly name: string }>(
    { variants: [first], prepare, compute }: Contest<Variant>,
    variant: Variant,
  ): Promise<boolean> {
    if (variant === first) return true;
    const inputs: tf.Tensor[] = [];
    try {
      inputs.push(...prepare());
      // The variant runs before the first, so that no free buffer can hold the right result yet.
      const results = await this.#device.guard(() => readAll(compute(variant, inputs)));
      return isSame(results, await this.#device.guard(() => readAll(compute(first, inputs))));
    } catch {
      return false;
    } finally {
      tf.dispose(inputs);
    }
  }

  /** The name of the fastest variant; undefined if none could be timed. */
  async #fastest<Variant extends { readonly name: string }>(contest: Contest<Variant>): Promise<string | undefined> {
    const inputs: tf.Tensor[] = [];
    try {
      inputs.push(...contest.prepare());
      const running = await this.#candidates(contest, inputs);
      const leastMs = Math.min(...running.map(({ bestMs }) => bestMs));
      const remaining = running.filter(({ bestMs }) => bestMs <= RULED_OUT_FACTOR * Math.max(leastMs, TICK_MS));
      for (const { name } of running.filter((each) => !remaining.includes(each))) {
        const key = lossKey(contest, name);
        this.#losses.set(key, (this.#losses.get(key) ?? 0) + 1);
      }
      const repeats = Math.max(1, Math.min(MAX_REPEATS, Math.round(ROUND_MS / leastMs)));
      for (const candidate of remaining) candidate.bestMs = Infinity; // a single run waits more than it computes
      for (let round = 0; round < ROUNDS; round++) {
        for (const candidate of remaining) {
          candidate.bestMs = Math.min(candidate.bestMs, await this.#timed(candidate.run, repeats));
        }
      }
      return remaining.reduce((a, b) => (b.bestMs < a.bestMs ? b : a)).name;
    } catch {
      // For example too little memory: the work itself may have enough, and will meet a lost device by itself.
      return undefined;
    } finally {
      tf.dispose(inputs);
    }
  }

  /** The variants that give the same bits as the first, each run twice. */
  async #candidates<Variant extends { readonly name: string }>(
    contest: Contest<Variant>,
    inputs: tf.Tensor[],
  ): Promise<Candidate[]> {
    const { variants, compute } = contest;
    const candidates: Candidate[] = [];
    let expected: Results | undefined;
    for (const variant of variants) {
      if (expected !== undefined && (this.#losses.get(lossKey(contest, variant.name)) ?? 0) >= MAX_LOSSES) continue;
      const run = (): tf.Tensor[] => compute(variant, inputs);
      try {
        if (expected !== undefined) {
          spoil(expected.shapes);
          await this.#device.wait(); // buffers are free once the recorded work was submitted
        }
        const results = await this.#device.guard(() => readAll(run())); // compiles
        expected ??= results;
        if (!isSame(results, expected)) continue;
        candidates.push({ name: variant.name, run, bestMs: await this.#timed(run, 1) });
      } catch (error) {
        if (expected === undefined) throw error; // the first variant must run
      }
    }
    return candidates;
  }

  /** Milliseconds per run. */
  async #timed(run: () => tf.Tensor[], repeats: number): Promise<number> {
    const startMs = this.#device.now();
    for (let i = 0; i < repeats; i++) tf.dispose(run());
    await this.#device.wait();
    return (this.#device.now() - startMs) / repeats;
  }
}

/** A hash of the variants with their shaders. */
async function buildOf<Variant extends { readonly name: string }>(contest: Contest<Variant>): Promise<string> {
  const text = JSON.stringify(contest.variants.map((variant) => [variant.name, contest.source(variant)]));
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)); // WebGPU needs a secure page too
  return Array.from(new Uint8Array(hash).subarray(0, BUILD_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
}

function lossKey({ key }: { readonly key: string }, name: string): string {
  return `${key.split(' ')[0] ?? ''} ${name}`;
}

/** The outputs of a computation. */
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

/** Overwrites free buffers, which are reused with their contents and may contain the right result. */
function spoil(shapes: readonly number[][]): void {
  const spoiled = shapes.flatMap((shape) => {
    return Array.from({ length: SPOILED_BUFFERS }, () => tf.fill(shape, SPOILED));
  });
  tf.dispose(spoiled);
}

/** Far from any result computed from values between -1 and 1. */
const SPOILED = -1e30;

function isSame(results: Results, expected: Results): boolean {
  return results.values.every((values, n) => values.every((value, i) => value === expected.values[n]?.[i]));
}
