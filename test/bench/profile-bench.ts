/**
 * `bench profile`: the time of a training step by tfjs kernel, or by kernel and shapes. Each figure is the median over
 * steps, which a single interruption does not move.
 */
import { note } from '../../src/cli/terminal.ts';
import { profileKernels, usesGpuKernels } from '../../src/gpu/dispatch.ts';
import type { KernelTime } from '../../src/gpu/kernel-times.ts';
import type { BenchBackend } from './backend-pair.ts';
import { openBenchBackends } from './backends.ts';
import { type KernelCalls, KernelClock } from './kernel-clock.ts';
import { median } from './median.ts';
import { openOurs } from './peers/ours.ts';
import { openPlainTfjs } from './peers/plain-tfjs.ts';
import { describeWork, type Work } from './work.ts';

/** The settings of a profile. */
export interface ProfileBench {
  readonly work: Work;
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  readonly peer: 'ours' | 'tfjs';
  /** Timed steps. */
  readonly repeats: number;
}

/** The cost of a kernel in one step. */
export interface ProfileRow {
  readonly kernel: string;
  readonly shapes: string;
  readonly calls: number;
  readonly ms: number;
  /** Operations of matrix products; 0 for other kernels. */
  readonly flops: number;
  readonly gigaflopsPerSec: number | null;
}

/** The result, which is the last line of output with `--json`. */
export interface ProfileResult {
  readonly work: string;
  readonly adapter: string;
  readonly peer: string;
  /** Milliseconds of a step while timing, and the part outside kernels. */
  readonly stepMs: number;
  readonly outsideKernelsMs: number;
  readonly byKernel: readonly ProfileRow[];
  readonly byShape: readonly ProfileRow[];
  /** On WebGPU: the GPU time of each of the lab's kernels in one more step; null without timestamps. */
  readonly onGpu: readonly KernelTime[] | null;
}

/** Runs the profile. */
export async function benchProfile({ work, backend, adapter, peer, repeats }: ProfileBench): Promise<ProfileResult> {
  const backends = await openBenchBackends(backend, adapter);
  note(`${describeWork(work)}\n${backends.adapter}`);
  const target = peer === 'ours' ? backends.ours : backends.plain;
  const { step, dispose } = await (peer === 'ours' ? openOurs : openPlainTfjs)(work, target);
  for (let i = 0; i < 3; i++) await step();

  const clock = new KernelClock(target.name);
  const stepsMs: number[] = [];
  const samples: KernelCalls[][] = [];
  for (let i = 0; i < repeats; i++) {
    clock.reset();
    const startMs = performance.now();
    await step();
    stepsMs.push(performance.now() - startMs);
    samples.push(clock.read());
  }
  clock.stop();
  const onGpu = usesGpuKernels() ? await profileKernels(async () => void (await step())) : undefined;
  await dispose();

  const byShape = medianRows(samples);
  const stepMs = median(stepsMs);
  return {
    work: work.name,
    adapter: backends.adapter,
    peer,
    stepMs,
    outsideKernelsMs: stepMs - byShape.reduce((sum, { ms }) => sum + ms, 0),
    byKernel: sumByKernel(byShape),
    byShape,
    onGpu: onGpu ?? null,
  };
}

/** One row per kernel and shapes, with the median over steps. */
function medianRows(samples: readonly (readonly KernelCalls[])[]): ProfileRow[] {
  const rows = new Map<string, { time: KernelCalls; ms: number[] }>();
  for (const time of samples.flat()) {
    const key = `${time.kernel} ${time.shapes}`;
    const row = rows.get(key) ?? { time, ms: [] };
    row.ms.push(time.selfMs);
    rows.set(key, row);
  }
  return [...rows.values()]
    .map(({ time: { kernel, shapes, calls, flops }, ms }) => toRow(kernel, shapes, calls, median(ms), flops))
    .toSorted((a, b) => b.ms - a.ms);
}

function sumByKernel(rows: readonly ProfileRow[]): ProfileRow[] {
  const sums = new Map<string, ProfileRow>();
  for (const { kernel, calls, ms, flops } of rows) {
    const sum = sums.get(kernel);
    const total = { calls: calls + (sum?.calls ?? 0), ms: ms + (sum?.ms ?? 0), flops: flops + (sum?.flops ?? 0) };
    sums.set(kernel, toRow(kernel, '', total.calls, total.ms, total.flops));
  }
  return [...sums.values()].toSorted((a, b) => b.ms - a.ms);
}

function toRow(kernel: string, shapes: string, calls: number, ms: number, flops: number): ProfileRow {
  return { kernel, shapes, calls, ms, flops, gigaflopsPerSec: flops === 0 ? null : flops / ms / 1e6 };
}

/** The profile as text. */
export function profileReport(work: Work, profile: ProfileResult, shapes: number): string[] {
  const { peer, stepMs, outsideKernelsMs, byKernel, byShape } = profile;
  const line = ({ kernel, shapes: of, calls, ms, gigaflopsPerSec }: ProfileRow): string => {
    const share = `${((100 * ms) / stepMs).toFixed(1)} %`;
    const rate = gigaflopsPerSec === null ? '' : `${gigaflopsPerSec.toFixed(1)} GFLOP/s`;
    const figures = `${String(calls).padStart(5)} ${ms.toFixed(2).padStart(9)} ms ${share.padStart(7)} ${rate.padStart(14)}`;
    return `${kernel.padEnd(16)}${figures}  ${of}`.trimEnd();
  };
  return [
    describeWork(work),
    profile.adapter,
    '',
    `${peer}: ${stepMs.toFixed(1)} ms per step, including ${outsideKernelsMs.toFixed(1)} ms outside kernels`,
    '',
    ...byKernel.map(line),
    '',
    ...byShape.slice(0, shapes).map(line),
    ...gpuLines(profile.onGpu),
  ];
}

function gpuLines(onGpu: ProfileResult['onGpu']): string[] {
  if (onGpu === null) return [];
  const total = onGpu.reduce((sum, { ms }) => sum + ms, 0);
  const line = ({ kernel, calls, ms }: KernelTime): string =>
    `${kernel.padEnd(32)}${String(calls).padStart(5)} ${ms.toFixed(2).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(6)} %`;
  return ['', `GPU time of the lab's kernels in one step: ${total.toFixed(2)} ms`, '', ...onGpu.map(line)];
}
