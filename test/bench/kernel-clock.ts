/**
 * Which tfjs kernels a piece of work spends its time in. Every kernel of a backend is wrapped; a kernel that calls
 * others is charged only for its own time.
 *
 * On wasm and cpu a kernel computes when it is called, so this is compute time. On WebGPU a call only records commands,
 * so this is the JavaScript overhead of each kernel.
 */
import * as tf from '@tensorflow/tfjs-core';

/** All calls of a kernel with the same input shapes. */
export interface KernelCalls {
  readonly kernel: string;
  /** The shapes of the inputs; "T" marks a transposed operand of a product. */
  readonly shapes: string;
  readonly calls: number;
  readonly selfMs: number;
  /** Operations of matrix products over all calls. */
  readonly flops: number;
}

/** A stopwatch on every kernel of a backend. */
export class KernelClock {
  readonly #backend: string;
  readonly #originals: readonly tf.KernelConfig[];
  readonly #times = new Map<string, { calls: number; selfMs: number; flops: number }>();
  /** Milliseconds spent in the callees of each running kernel. */
  readonly #callees: number[] = [];

  /** Starts timing. Call {@link stop} to restore the backend. */
  constructor(backend: string) {
    this.#backend = backend;
    this.#originals = tf.getKernelsForBackend(backend);
    for (const kernel of this.#originals) this.#replace(kernel, this.#timed(kernel));
  }

  /** The calls since the last reset, the longest first. */
  read(): KernelCalls[] {
    return [...this.#times]
      .map(([key, time]) => {
        const [kernel = '', shapes = ''] = key.split('\t');
        return { kernel, shapes, ...time };
      })
      .toSorted((a, b) => b.selfMs - a.selfMs);
  }

  reset(): void {
    this.#times.clear();
  }

  stop(): void {
    for (const kernel of this.#originals) this.#replace(kernel, kernel.kernelFunc);
  }

  #replace(kernel: tf.KernelConfig, kernelFunc: tf.KernelFunc): void {
    tf.unregisterKernel(kernel.kernelName, this.#backend);
    // Without the set-up function, because it has already run and allocates in the backend.
    tf.registerKernel({ kernelName: kernel.kernelName, backendName: this.#backend, kernelFunc });
  }

  #timed({ kernelName, kernelFunc }: tf.KernelConfig): tf.KernelFunc {
    return (call) => {
      const startMs = performance.now();
      this.#callees.push(0);
      try {
        return kernelFunc(call);
      } finally {
        const totalMs = performance.now() - startMs;
        const selfMs = totalMs - (this.#callees.pop() ?? 0);
        const caller = this.#callees.length - 1;
        if (caller >= 0) this.#callees[caller] = (this.#callees[caller] ?? 0) + totalMs;
        this.#charge(kernelName, call, selfMs);
      }
    };
  }

  #charge(kernelName: string, { inputs, attrs }: Parameters<tf.KernelFunc>[0], selfMs: number): void {
    const key = `${kernelName}\t${shapesOf(inputs, attrs)}`;
    const { calls, selfMs: before, flops } = this.#times.get(key) ?? { calls: 0, selfMs: 0, flops: 0 };
    const more = kernelName === 'BatchMatMul' ? productFlopsOf(inputs, attrs) : 0;
    this.#times.set(key, { calls: calls + 1, selfMs: before + selfMs, flops: flops + more });
  }
}

type Inputs = tf.NamedTensorInfoMap;
type Attributes = tf.NamedAttrMap | undefined;

function shapesOf(inputs: Inputs, attrs: Attributes): string {
  const shapes = Object.entries(inputs).flatMap(([name, input]) => {
    // Concat and Pack have numbered inputs; their count is enough.
    if (/^\d+$/.test(name)) return name === '0' ? [`${Object.keys(inputs).length} tensors`] : [];
    const isTransposed = attrs?.[`transpose${name.toUpperCase()}`] === true;
    return `[${input?.shape.join(',') ?? ''}]${isTransposed ? 'T' : ''}`;
  });
  return shapes.join(' ');
}

function productFlopsOf({ a, b }: Inputs, attrs: Attributes): number {
  if (a === undefined || b === undefined) return 0;
  const size = a.shape.reduce((product, axis) => product * axis, 1);
  const columns = b.shape.at(attrs?.['transposeB'] === true ? -2 : -1) ?? 0;
  return 2 * size * columns;
}
