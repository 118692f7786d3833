/**
 * Counts the GPU work of a program: buffer bytes by wrapping `createBuffer` and `destroy`, compute dispatches by
 * wrapping `dispatchWorkgroups`. Every peer is thus measured in the same way, independent of what it reports.
 */
import { WrappedMethods } from './wrapped-methods.ts';

/** The buffer bytes of one device. */
interface DeviceBytes {
  live: number;
  peak: number;
}

/** Counts from its construction to {@link stop}; only one may be active at a time. */
export class GpuTally {
  #dispatches = 0;
  readonly #bytes = new WeakMap<GPUDevice, DeviceBytes>();
  readonly #methods = new WrappedMethods();

  constructor() {
    const bytesOf = new WeakMap<GPUBuffer, DeviceBytes>();
    const created = (device: GPUDevice, buffer: GPUBuffer): void => {
      const bytes = this.#bytes.get(device) ?? { live: 0, peak: 0 };
      bytes.live += buffer.size;
      bytes.peak = Math.max(bytes.peak, bytes.live);
      this.#bytes.set(device, bytes);
      bytesOf.set(buffer, bytes);
    };
    const destroyed = (buffer: GPUBuffer): void => {
      const bytes = bytesOf.get(buffer);
      if (bytes === undefined) return;
      bytes.live -= buffer.size;
      bytesOf.delete(buffer); // destroying twice is allowed
    };
    const dispatched = (): void => {
      this.#dispatches += 1;
    };

    this.#methods.wrap(GPUDevice.prototype, 'createBuffer', (original) => {
      return function createBuffer(this: GPUDevice, descriptor: GPUBufferDescriptor) {
        const buffer = original.call(this, descriptor);
        created(this, buffer);
        return buffer;
      };
    });
    this.#methods.wrap(GPUBuffer.prototype, 'destroy', (original) => {
      return function destroy(this: GPUBuffer) {
        destroyed(this);
        return original.call(this);
      };
    });
    this.#methods.wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', (original) => {
      return function dispatchWorkgroups(this: GPUComputePassEncoder, x: number, y?: number, z?: number) {
        dispatched();
        return original.call(this, x, y, z);
      };
    });
    this.#methods.wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', (original) => {
      return function dispatchWorkgroupsIndirect(this: GPUComputePassEncoder, buffer: GPUBuffer, offset: number) {
        dispatched();
        return original.call(this, buffer, offset);
      };
    });
  }

  /** Dispatches on all devices. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /** The peak of a device's buffer bytes. A buffer dropped without `destroy` stays counted. */
  peakBytes(device: GPUDevice): number {
    return this.#bytes.get(device)?.peak ?? 0;
  }

  stop(): void {
    this.#methods.restore();
  }
}
