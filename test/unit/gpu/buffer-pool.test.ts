/** The pool of GPU buffers on a fake device. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../src/gpu/buffer-pool.ts';

/** The part of a device that the pool uses. */
class FakeDevice {
  readonly limits = { maxStorageBufferBindingSize: 1000 };
  liveBytes = 0;

  createBuffer({ size, usage }: GPUBufferDescriptor): GPUBuffer {
    this.liveBytes += size;
    let isAlive = true;
    const destroy = (): void => {
      expect(isAlive, 'destroyed once').toBe(true);
      isAlive = false;
      this.liveBytes -= size;
    };
    return { size, usage, destroy } as unknown as GPUBuffer;
  }
}

function makePool(): { readonly pool: BufferPool; readonly device: FakeDevice } {
  const device = new FakeDevice();
  return { pool: new BufferPool(device as unknown as GPUDevice), device };
}

const [STORAGE, UNIFORM] = [1, 2] as const;

describe('the pool of buffers', () => {
  it('reuses a free buffer for a similar size and the same usage', () => {
    const { pool } = makePool();
    for (let i = 0; i < 4; i++) pool.acquireBuffer(1000, STORAGE); // makes room for free buffers
    const buffer = pool.acquireBuffer(500, STORAGE);
    expect(buffer.size).toBe(512);
    pool.releaseBuffer(buffer);
    const other = pool.acquireBuffer(510, UNIFORM);
    expect(other).not.toBe(buffer);
    expect(pool.acquireBuffer(490, STORAGE)).toBe(buffer);
    expect([pool.getNumUsedBuffers(), pool.getNumFreeBuffers()]).toEqual([6, 0]);
  });

  it('never rounds up beyond the binding limit', () => {
    const { pool } = makePool();
    expect(pool.acquireBuffer(998, STORAGE).size).toBe(1000);
  });

  it('destroys buffers at once without reuse, and the rest on disposal', () => {
    const { pool, device } = makePool();
    pool.releaseBuffer(pool.acquireBuffer(64, STORAGE), false);
    expect(device.liveBytes).toBe(0);
    const used = pool.acquireBuffer(64, STORAGE);
    pool.releaseBuffer(pool.acquireBuffer(128, STORAGE));
    pool.dispose();
    expect(device.liveBytes).toBe(0);
    pool.releaseBuffer(used); // released late
    expect(pool.numBytesAllocated).toBe(0);
  });

  it('allocates at most a quarter more than the peak in use, counts correctly, and never hands out a buffer twice', () => {
    // A positive number acquires a buffer of that size; a negative one releases a buffer in use.
    const calls = fc.array(fc.integer({ min: -20, max: 900 }), { maxLength: 200 });
    fc.assert(
      fc.property(calls, (sizes) => {
        const { pool, device } = makePool();
        const used: GPUBuffer[] = [];
        let mostUsed = 0;
        for (const size of sizes) {
          if (size > 0) {
            const buffer = pool.acquireBuffer(size, STORAGE);
            expect(buffer.size).toBeGreaterThanOrEqual(size);
            expect(used).not.toContain(buffer);
            used.push(buffer);
          } else {
            const [buffer] = used.splice(-size % Math.max(1, used.length), 1);
            if (buffer !== undefined) pool.releaseBuffer(buffer);
          }
          const usedBytes = used.reduce((sum, { size: bytes }) => sum + bytes, 0);
          mostUsed = Math.max(mostUsed, usedBytes);
          expect(pool.numBytesUsed).toBe(usedBytes);
          expect(pool.numBytesAllocated).toBe(device.liveBytes);
          expect(device.liveBytes).toBeLessThanOrEqual(Math.max(1.25 * mostUsed, usedBytes));
        }
      }),
    );
  });
});
