/**
 * The GPU buffers of tfjs's WebGPU backend, reused once they are free.
 *
 * tfjs's own pool finds buffers by their exact size and never frees any, so that a run over many sequence lengths takes
 * more and more memory. Here sizes are rounded up to eight steps per power of two, so that similar lengths share
 * buffers, and free memory is bounded: all buffers together take at most a quarter more than the peak in use. The
 * buffers released first are freed first. The class implements the methods that tfjs calls on its pool.
 */

/** A buffer in the pool that is not in use. */
interface FreeBuffer {
  readonly buffer: GPUBuffer;
  readonly sizeBytes: number;
  /** The number of buffers released before it. */
  readonly age: number;
}

const STEPS_PER_OCTAVE = 8;
/** The smallest size, and the granularity of sizes: four numbers, as kernels read them. */
const MIN_BYTES = 16;
/** The limit on free and used buffers together, as a multiple of the peak in use. */
const MAX_ALLOCATED = 1.25;

/** Buffers of one device. */
export class BufferPool {
  readonly #device: GPUDevice;
  /** By size and usage, oldest first. */
  readonly #free = new Map<string, FreeBuffer[]>();
  readonly #sizes = new Map<GPUBuffer, number>();
  #given = 0;
  #freeCount = 0;
  #peakUsed = 0;
  /** Names of tfjs's pool. */
  numBytesUsed = 0;
  numBytesAllocated = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least the given size, with undefined contents. */
  acquireBuffer(leastBytes: number, usage: GPUBufferUsageFlags, mappedAtCreation = false, reuse = true): GPUBuffer {
    const size = roundUp(leastBytes, this.#device.limits.maxStorageBufferBindingSize);
    const free = reuse ? this.#free.get(keyOf(size, usage))?.pop() : undefined;
    if (free !== undefined) this.#freeCount -= 1;
    this.numBytesUsed += size;
    this.#peakUsed = Math.max(this.#peakUsed, this.numBytesUsed);
    if (free !== undefined) return free.buffer;
    this.#makeRoom(size);
    const buffer = this.#device.createBuffer({ size, usage, mappedAtCreation });
    this.#sizes.set(buffer, size);
    this.numBytesAllocated += size;
    return buffer;
  }

  /** Releases a buffer. With `reuse` false it is destroyed at once. */
  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const sizeBytes = this.#sizes.get(buffer);
    if (sizeBytes === undefined) return; // from before the pool was disposed
    this.numBytesUsed -= sizeBytes;
    if (!reuse) {
      this.#destroy(buffer, sizeBytes);
      return;
    }
    const key = keyOf(sizeBytes, buffer.usage);
    const list = this.#free.get(key) ?? [];
    list.push({ buffer, sizeBytes, age: (this.#given += 1) });
    this.#free.set(key, list);
    this.#freeCount += 1;
  }

  getNumUsedBuffers(): number {
    return this.#sizes.size - this.#freeCount;
  }

  getNumFreeBuffers(): number {
    return this.#freeCount;
  }

  dispose(): void {
    for (const buffer of this.#sizes.keys()) buffer.destroy();
    this.#sizes.clear();
    this.#free.clear();
    this.#freeCount = 0;
    this.numBytesUsed = 0;
    this.numBytesAllocated = 0;
  }

  #makeRoom(size: number): void {
    while (this.#freeCount > 0 && this.numBytesAllocated + size > MAX_ALLOCATED * this.#peakUsed) {
      let oldest: FreeBuffer[] | undefined;
      for (const list of this.#free.values()) {
        if ((list[0]?.age ?? Infinity) < (oldest?.[0]?.age ?? Infinity)) oldest = list;
      }
      const freed = oldest?.shift();
      if (freed === undefined) return;
      this.#freeCount -= 1;
      this.#destroy(freed.buffer, freed.sizeBytes);
    }
  }

  #destroy(buffer: GPUBuffer, sizeBytes: number): void {
    buffer.destroy();
    this.#sizes.delete(buffer);
    this.numBytesAllocated -= sizeBytes;
  }
}

function keyOf(size: number, usage: GPUBufferUsageFlags): string {
  return `${size} ${usage}`;
}

/** The next of eight sizes per power of two; the exact size if that would be too large to bind. */
function roundUp(bytes: number, mostBytes: number): number {
  const octave = 2 ** Math.floor(Math.log2(Math.max(bytes, MIN_BYTES)));
  const step = Math.max(MIN_BYTES, octave / STEPS_PER_OCTAVE);
  const rounded = Math.max(MIN_BYTES, step * Math.ceil(bytes / step));
  return rounded > mostBytes ? 4 * Math.ceil(bytes / 4) : rounded;
}
