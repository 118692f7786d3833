/**
 * The GPU time of each kernel. Every dispatch of the lab gets its own compute pass, whose start and end the device
 * records (WebGPU's `timestamp-query`). Profiling itself costs time, so it is optional (`profileKernels` of
 * dispatch.ts). Browsers round timestamps to 100 us; Dawn in Node does not.
 */

/** All dispatches of a kernel. */
export interface KernelTime {
  readonly kernel: string;
  readonly calls: number;
  /** On the GPU. */
  readonly ms: number;
}

/** Dispatches per reading; later ones are not timed. */
const CAPACITY = 2048;
const TIMESTAMP_BYTES = 8;

/** Collects the times of dispatches between two readings. */
export class KernelTimes {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  #kernels: string[] = [];

  /** @param device - with the feature `timestamp-query` */
  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 * CAPACITY });
  }

  /** The descriptor of the compute pass for one dispatch of a kernel. */
  passFor(kernel: string): GPUComputePassDescriptor {
    const index = this.#kernels.length;
    if (index === CAPACITY) return {};
    this.#kernels.push(kernel);
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [2 * index, 2 * index + 1];
    return { timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** The times since the last reading, longest first. All recorded work must have been submitted. */
  async read(): Promise<KernelTime[]> {
    const kernels = this.#kernels;
    this.#kernels = [];
    if (kernels.length === 0) return [];
    const nanoseconds = await this.#timestamps(2 * kernels.length);
    const sums = new Map<string, { calls: number; ms: number }>();
    for (const [i, kernel] of kernels.entries()) {
      const ms = Number((nanoseconds[2 * i + 1] ?? 0n) - (nanoseconds[2 * i] ?? 0n)) / 1e6;
      const { calls, ms: before } = sums.get(kernel) ?? { calls: 0, ms: 0 };
      sums.set(kernel, { calls: calls + 1, ms: before + ms });
    }
    return [...sums].map(([kernel, sum]) => ({ kernel, ...sum })).toSorted((a, b) => b.ms - a.ms);
  }

  dispose(): void {
    this.#queries.destroy();
  }

  async #timestamps(count: number): Promise<BigUint64Array> {
    const size = count * TIMESTAMP_BYTES;
    const resolved = this.#device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const readable = this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    await readable.mapAsync(GPUMapMode.READ);
    const values = new BigUint64Array(readable.getMappedRange().slice(0));
    for (const buffer of [resolved, readable]) buffer.destroy();
    return values;
  }
}
