/**
 * The GPU buffers of tfjs's WebGPU backend, given out again once they are free.
 *
 * tfjs's own pool finds buffers by their exact size and never frees one, so that a run over many lengths of sequences takes
 * more and more memory. Here sizes are rounded up to eight steps per power of two, so that similar lengths share buffers,
 * and what lies free is bounded: all buffers together take at most a quarter more than the most that was ever in use. What
 * was given back first is freed first. This class answers to the calls that tfjs makes to its pool.
 */

/** A buffer that lies free. */
interface FreeBuffer {
  readonly buffer: GPUBuffer;
  readonly sizeBytes: number;
  /** Counts what was given back before it. */
  readonly age: number;
}

const STEPS_PER_OCTAVE = 8;
/** The least buffer, and what sizes are multiples of: four numbers, as kernels read them. */
const LEAST_BYTES = 16;
/** Free and used buffers together, as a multiple of the most in use. */
const MOST_ALLOCATED = 1.25;

/** Buffers of one device. */
export class BufferPool {
  readonly #device: GPUDevice;
  /** By size and usage, the oldest first. */
  readonly #free = new Map<string, FreeBuffer[]>();
  readonly #sizes = new Map<GPUBuffer, number>();
  #given = 0;
  #freeCount = 0;
  #mostUsed = 0;
  /** As tfjs's pool tells them. */
  numBytesUsed = 0;
  numBytesAllocated = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least the given size; its content is whatever was there. */
  acquireBuffer(leastBytes: number, usage: GPUBufferUsageFlags, mappedAtCreation = false, reuse = true): GPUBuffer {
    const size = roundUp(leastBytes, this.#device.limits.maxStorageBufferBindingSize);
    const free = reuse ? this.#free.get(keyOf(size, usage))?.pop() : undefined;
    if (free !== undefined) this.#freeCount -= 1;
    this.numBytesUsed += size;
    this.#mostUsed = Math.max(this.#mostUsed, this.numBytesUsed);
    if (free !== undefined) return free.buffer;
    this.#makeRoom(size);
    const buffer = this.#device.createBuffer({ size, usage, mappedAtCreation });
    this.#sizes.set(buffer, size);
    this.numBytesAllocated += size;
    return buffer;
  }

  /** Takes a buffer back. With `reuse` false it is freed at once. */
  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const sizeBytes = this.#sizes.get(buffer);
    if (sizeBytes === undefined) return; // of a pool that was disposed
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
    while (this.#freeCount > 0 && this.numBytesAllocated + size > MOST_ALLOCATED * this.#mostUsed) {
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

/** The next of eight sizes per power of two; the exact size where that would be too large to bind. */
function roundUp(bytes: number, mostBytes: number): number {
  const octave = 2 ** Math.floor(Math.log2(Math.max(bytes, LEAST_BYTES)));
  const step = Math.max(LEAST_BYTES, octave / STEPS_PER_OCTAVE);
  const rounded = Math.max(LEAST_BYTES, step * Math.ceil(bytes / step));
  return rounded > mostBytes ? 4 * Math.ceil(bytes / 4) : rounded;
}
