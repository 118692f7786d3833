/**
 * `bench kernels`: each op that has a fused kernel, forward and backward, on the lab's WebGPU backend (the kernel) and on
 * tfjs's own (the composite), in turns. The least time of some repeats is told: on the clock, and of all threads of the
 * process, which on a software adapter is what computing took even where the machine is busy.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { note } from '../../src/cli/terminal.ts';
import { Rng } from '../../src/common/rng.ts';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import { packRows } from '../../src/data/packed-rows.ts';
import { causalAttention, spanVisibility } from '../../src/ops/attention.ts';
import { embedding, selectRows } from '../../src/ops/embedding.ts';
import { linear } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rope, ropeTables } from '../../src/ops/rope.ts';
import { swiGlu } from '../../src/ops/swiglu.ts';
import { tokenLogProbs } from '../../src/ops/token-log-probs.ts';
import { openBenchBackends } from './backends.ts';
import type { Work } from './work.ts';

/** What one side took at least. */
interface LeastTime {
  readonly clockMs: number;
  readonly cpuMs: number;
}

export interface KernelResult {
  readonly op: string;
  readonly kernel: LeastTime;
  readonly composite: LeastTime;
  /** CPU time of the composite over that of the kernel. */
  readonly ratio: number;
}

export interface KernelsBench {
  /** Whose sizes the ops have. */
  readonly work: Work;
  readonly adapter?: string | undefined;
  readonly repeats: number;
}

/** Of a packed row, behind what they share: half a row. */
const PARTS = 4;

/** An op to differentiate by all its inputs, which have these shapes. */
interface OpToTime {
  readonly op: string;
  readonly shapes: readonly number[][];
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor;
}

/** Times every op; throws what opening the backends does. */
export async function benchKernels({ work, adapter, repeats }: KernelsBench): Promise<KernelResult[]> {
  const { ours, plain } = await openBenchBackends('webgpu', adapter);
  const results: KernelResult[] = [];
  for (const op of opsOf(work)) {
    note(op.op);
    const sides = [];
    for (const { name } of [ours, plain]) sides.push(await openSide(op, name));
    const [kernel, composite] = sides;
    if (kernel === undefined || composite === undefined) continue;
    for (let i = 0; i <= repeats; i++) for (const side of sides) await side.once(i > 0); // the first compiles
    results.push({
      op: op.op,
      kernel: kernel.least,
      composite: composite.least,
      ratio: composite.least.cpuMs / kernel.least.cpuMs,
    });
    for (const side of sides) await side.dispose();
  }
  await tf.setBackend(ours.name);
  return results;
}

async function openSide({ shapes, run }: OpToTime, backend: string) {
  await tf.setBackend(backend);
  const inputs = shapes.map((shape) => tf.randomNormal(shape, 0, 1, 'float32', 1));
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(run(xs)));
  const side = {
    least: { clockMs: Infinity, cpuMs: Infinity },
    once: async (counts: boolean): Promise<void> => {
      await tf.setBackend(backend);
      await waitForBackend();
      const [startMs, cpu] = [performance.now(), process.cpuUsage()];
      tf.dispose(gradients(inputs));
      await waitForBackend();
      const { user, system } = process.cpuUsage(cpu);
      const [clockMs, cpuMs] = [performance.now() - startMs, (user + system) / 1000];
      const { least } = side;
      if (counts) side.least = { clockMs: Math.min(least.clockMs, clockMs), cpuMs: Math.min(least.cpuMs, cpuMs) };
    },
    dispose: async (): Promise<void> => {
      await tf.setBackend(backend);
      tf.dispose(inputs);
    },
  };
  return side;
}

function opsOf({ config, B, T }: Work): OpToTime[] {
  const { vocabSize: V, width: C, heads: H, kvHeads: K, headDim: D, hidden: F, normEps: eps } = config;
  const N = B * T;
  const rng = new Rng('bench kernels');
  const ids = Int32Array.from({ length: N }, () => rng.int(V));
  const half = Int32Array.from({ length: Math.ceil(N / 2) }, (_, i) => 2 * i);
  const shared = new Int32Array(Math.floor(T / 2));
  const parts = Array.from({ length: PARTS }, () => new Int32Array(Math.floor((T - shared.length) / PARTS)));
  const { spans } = packRows(
    Array.from({ length: B }, () => ({ shared, parts })),
    T,
  ).layout;
  type M = tf.Tensor2D;
  return [
    {
      op: `linear [${N},${C}] -> [${N},${F}]`,
      shapes: [
        [N, C],
        [F, C],
      ],
      run: ([x, w]) => linear(x as M, w as M),
    },
    {
      op: `linear [${N},${F}] -> [${N},${C}]`,
      shapes: [
        [N, F],
        [C, F],
      ],
      run: ([x, w]) => linear(x as M, w as M),
    },
    { op: `rmsNorm [${N},${C}]`, shapes: [[N, C], [C]], run: ([x, g]) => rmsNorm(x as M, g as tf.Tensor1D, eps) },
    {
      op: `rope of normed [${B},${T},${H},${D}]`,
      shapes: [[B, T, H, D], [D]],
      run: ([x, gain]) => rope(x as tf.Tensor4D, ropeTables(0, T, D, 10_000), { gain: gain as tf.Tensor1D, eps }),
    },
    {
      op: `causalAttention [${B},${T},${H},${D}] over ${K} heads`,
      shapes: [
        [B, T, H, D],
        [B, T, K, D],
        [B, T, K, D],
      ],
      run: ([q, k, v]) => causalAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D),
    },
    {
      op: `the same in rows of ${shared.length} shared and ${PARTS} parts`,
      shapes: [
        [B, T, H, D],
        [B, T, K, D],
        [B, T, K, D],
      ],
      run: ([q, k, v]) => {
        const visibility = spanVisibility(spans, B, T);
        return causalAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, visibility);
      },
    },
    {
      op: `swiGlu [${N},${F}]`,
      shapes: [
        [N, F],
        [N, F],
      ],
      run: ([gate, up]) => swiGlu(gate as M, up as M),
    },
    { op: `tokenLogProbs [${N},${V}]`, shapes: [[N, V]], run: ([x]) => tokenLogProbs(x as M, ids) },
    { op: `embedding of ${N} in [${V},${C}]`, shapes: [[V, C]], run: ([table]) => embedding(table as M, ids) },
    { op: `selectRows ${half.length} of [${N},${C}]`, shapes: [[N, C]], run: ([x]) => selectRows(x as M, half) },
  ];
}

/** The results as a table. */
export function kernelsReport(results: readonly KernelResult[]): string[] {
  const ms = ({ clockMs, cpuMs }: LeastTime): string =>
    `${clockMs.toFixed(1).padStart(9)} ${cpuMs.toFixed(1).padStart(9)}`;
  return [
    `${''.padEnd(44)} ${'kernel, ms'.padStart(19)} ${'composite, ms'.padStart(19)}`,
    `${'forward and backward'.padEnd(44)} ${'clock'.padStart(9)} ${'CPU'.padStart(9)} ${'clock'.padStart(9)} ${'CPU'.padStart(9)}`,
    ...results.map(({ op, kernel, composite, ratio }) => {
      return `${op.padEnd(44)} ${ms(kernel)} ${ms(composite)}  x ${ratio.toFixed(1)}`;
    }),
  ];
}
