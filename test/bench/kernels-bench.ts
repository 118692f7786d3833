/**
 * `bench kernels`: each op that has a fused kernel, on the lab's WebGPU backend (the kernel) and on tfjs's own (the
 * composite), in turns. Told is the least time on the clock of some measurements, and the processor time of all threads, on
 * average of all, which on a software adapter is what computing took even where the machine is busy. Small ops are run often
 * in a row.
 *
 * Runs in Node and in a page.
 */
import * as tf from '@tensorflow/tfjs';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import { measureVariants } from '../../src/gpu/dispatch.ts';
import type { NamedBackend } from './backend-pair.ts';
import { gradientlessOps } from './gradientless-ops.ts';
import type { Surroundings } from './surroundings.ts';
import type { OpenedOp, TimedOp } from './timed-op.ts';
import { trainingOps } from './training-ops.ts';
import { makeWork, type WorkRequest } from './work.ts';

/** What one run of a side took, in milliseconds. */
interface RunTime {
  /** The least of the measurements. */
  readonly clockMs: number;
  /** On average of them: a browser tells processor time in steps of 10 ms. */
  readonly cpuMs: number;
}

export interface KernelResult {
  readonly op: string;
  /** Forward and backward, or forward alone. */
  readonly isDifferentiated: boolean;
  readonly kernel: RunTime;
  readonly composite: RunTime;
  /** CPU time of the composite over that of the kernel. */
  readonly ratio: number;
}

/** What to time. Plain data: it is sent to a page as it is. */
export interface KernelsBench {
  /** Whose sizes the ops have. */
  readonly work: WorkRequest;
  /** Timed measurements of each. */
  readonly repeats: number;
  /** Only ops whose name has this in it; default all. */
  readonly only?: string | undefined;
}

/** A measurement lasts about this long. */
const MEASURE_MS = 100;
const MOST_RUNS = 50;

/** Times every op; throws what opening the backends does. */
export async function benchKernels(
  { work: request, repeats, only = '' }: KernelsBench,
  surroundings: Surroundings,
): Promise<KernelResult[]> {
  const work = makeWork(request);
  const { ours, plain, adapter } = await surroundings.openBackends('webgpu');
  surroundings.say(adapter);
  const results: KernelResult[] = [];
  for (const [ops, isDifferentiated] of [
    [trainingOps(work), true],
    [gradientlessOps(work), false],
  ] as const) {
    for (const op of ops.filter((each) => each.op.includes(only))) {
      surroundings.say(op.op);
      const sides = [await Side.open(op, ours, surroundings), await Side.open(op, plain, surroundings)] as const;
      for (let i = 0; i < repeats; i++) for (const side of sides) await side.measure();
      const [kernel, composite] = [sides[0].time, sides[1].time];
      results.push({ op: op.op, isDifferentiated, kernel, composite, ratio: composite.cpuMs / kernel.cpuMs });
      for (const side of sides) await side.dispose();
    }
  }
  await tf.setBackend(ours.name);
  return results;
}

/** An op on one of the backends. */
class Side {
  readonly #opened: OpenedOp;
  readonly #backend: string;
  readonly #cpuMs: Surroundings['cpuMs'];
  #runs = 1;
  #clocksMs: number[] = [];
  #cpusMs: number[] = [];

  private constructor(opened: OpenedOp, backend: string, cpuMs: Surroundings['cpuMs']) {
    this.#opened = opened;
    this.#backend = backend;
    this.#cpuMs = cpuMs;
  }

  /** Prepares it, compiles its shaders and finds out how often a measurement is to run it. */
  static async open(op: TimedOp, { owner, name }: NamedBackend, { cpuMs }: Surroundings): Promise<Side> {
    await tf.setBackend(name);
    const side = new Side(op.open(owner), name, cpuMs);
    await side.measure();
    await measureVariants(); // of the lab's kernels: from now on the fastest run
    for (let i = 0; i < 2; i++) await side.measure(); // the first compiles those
    side.#runs = Math.max(1, Math.min(MOST_RUNS, Math.round(MEASURE_MS / side.time.clockMs)));
    [side.#clocksMs, side.#cpusMs] = [[], []];
    return side;
  }

  /** Of one run, by the measurements so far. */
  get time(): RunTime {
    const cpuMs = this.#cpusMs.reduce((sum, ms) => sum + ms, 0) / this.#cpusMs.length;
    return { clockMs: Math.min(...this.#clocksMs), cpuMs };
  }

  /** Runs it as often as a measurement does. */
  async measure(): Promise<void> {
    await tf.setBackend(this.#backend);
    await waitForBackend();
    const [startMs, startCpuMs] = [performance.now(), await this.#cpuMs()];
    for (let i = 0; i < this.#runs; i++) await this.#opened.run();
    await waitForBackend();
    this.#clocksMs.push((performance.now() - startMs) / this.#runs);
    this.#cpusMs.push(((await this.#cpuMs()) - startCpuMs) / this.#runs);
  }

  async dispose(): Promise<void> {
    await tf.setBackend(this.#backend);
    this.#opened.dispose();
  }
}

/** The results as a table. */
export function kernelsReport(results: readonly KernelResult[]): string[] {
  const ms = ({ clockMs, cpuMs }: RunTime): string =>
    `${clockMs.toFixed(2).padStart(9)} ${cpuMs.toFixed(2).padStart(9)}`;
  const heading = (title: string): string[] => [
    '',
    `${''.padEnd(44)} ${'kernel, ms'.padStart(19)} ${'composite, ms'.padStart(19)}`,
    `${title.padEnd(44)} ${'clock'.padStart(9)} ${'CPU'.padStart(9)} ${'clock'.padStart(9)} ${'CPU'.padStart(9)}`,
  ];
  const rows = (isDifferentiated: boolean): string[] =>
    results
      .filter((result) => result.isDifferentiated === isDifferentiated)
      .map(
        ({ op, kernel, composite, ratio }) => `${op.padEnd(44)} ${ms(kernel)} ${ms(composite)}  x ${ratio.toFixed(1)}`,
      );
  return [...heading('forward and backward'), ...rows(true), ...heading('without gradients'), ...rows(false)];
}
