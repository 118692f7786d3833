/**
 * `bench kernels`: each op with a fused kernel, on the lab's WebGPU backend (the kernel) and on tfjs's (the composite),
 * alternating. Reports the minimum wall time of several measurements and the mean CPU time of all threads, which on a
 * software adapter is the compute time even on a busy machine. Small ops run many times per measurement.
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

/** The times of one run, in milliseconds. */
interface RunTime {
  /** The minimum of the measurements. */
  readonly clockMs: number;
  /** The mean of the measurements, because a browser reports CPU time in steps of 10 ms. */
  readonly cpuMs: number;
}

export interface KernelResult {
  readonly op: string;
  /** Forward and backward, or only forward. */
  readonly isDifferentiated: boolean;
  readonly kernel: RunTime;
  readonly composite: RunTime;
  /** CPU time of the composite over that of the kernel. */
  readonly ratio: number;
}

/** The settings of the benchmark. Plain data, because it is sent to a page. */
export interface KernelsBench {
  /** Determines the sizes of the ops. */
  readonly work: WorkRequest;
  /** Timed measurements of each op. */
  readonly repeats: number;
  /** Only ops whose name contains this; default: all. */
  readonly only?: string | undefined;
}

/** The target duration of a measurement. */
const MEASURE_MS = 100;
const MAX_RUNS = 50;

/** Times every op. Throws the errors of opening the backends. */
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

/** An op on one backend. */
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

  /** Prepares the op, compiles its shaders and determines the runs per measurement. */
  static async open(op: TimedOp, { owner, name }: NamedBackend, { cpuMs }: Surroundings): Promise<Side> {
    await tf.setBackend(name);
    const side = new Side(op.open(owner), name, cpuMs);
    await side.measure();
    await measureVariants(); // the lab's kernels use the fastest variants from here on
    for (let i = 0; i < 2; i++) await side.measure(); // the first compiles them
    side.#runs = Math.max(1, Math.min(MAX_RUNS, Math.round(MEASURE_MS / side.time.clockMs)));
    [side.#clocksMs, side.#cpusMs] = [[], []];
    return side;
  }

  /** The times of one run over the measurements so far. */
  get time(): RunTime {
    const cpuMs = this.#cpusMs.reduce((sum, ms) => sum + ms, 0) / this.#cpusMs.length;
    return { clockMs: Math.min(...this.#clocksMs), cpuMs };
  }

  /** Makes one measurement. */
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
