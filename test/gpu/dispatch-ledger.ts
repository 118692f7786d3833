/**
 * Records all dispatches on a GPU: kernels by name, with the bytes of their bound buffers. Buffers are up to an eighth
 * larger than their tensors.
 */
import { WrappedMethods } from '../bench/wrapped-methods.ts';

/** All dispatches of the kernels with one name. */
export interface Dispatched {
  calls: number;
  bytes: number;
}

/** Counts from its construction to {@link stop}; only one may be active at a time. */
export class DispatchLedger {
  readonly kernels = new Map<string, Dispatched>();
  readonly #methods = new WrappedMethods();

  constructor() {
    const names = new WeakMap<GPUComputePipeline, string>();
    const sizes = new WeakMap<GPUBindGroup, number>();
    const current = new WeakMap<GPUComputePassEncoder, { name: string; bytes: number }>();
    const ofPass = (pass: GPUComputePassEncoder): { name: string; bytes: number } => {
      const state = current.get(pass) ?? { name: '', bytes: 0 };
      current.set(pass, state);
      return state;
    };
    const { kernels } = this;
    this.#methods.wrap(GPUDevice.prototype, 'createBindGroup', (original) => {
      return function createBindGroup(this: GPUDevice, descriptor: GPUBindGroupDescriptor) {
        const group = original.call(this, descriptor);
        sizes.set(
          group,
          [...descriptor.entries].reduce((sum, { resource }) => sum + storageBytes(resource), 0),
        );
        return group;
      };
    });
    this.#methods.wrap(GPUDevice.prototype, 'createComputePipeline', (original) => {
      return function createComputePipeline(this: GPUDevice, descriptor: GPUComputePipelineDescriptor) {
        const pipeline = original.call(this, descriptor);
        names.set(pipeline, descriptor.label ?? '');
        return pipeline;
      };
    });
    this.#methods.wrap(GPUComputePassEncoder.prototype, 'setPipeline', (original) => {
      return function setPipeline(this: GPUComputePassEncoder, pipeline: GPUComputePipeline) {
        ofPass(this).name = names.get(pipeline) ?? '';
        return original.call(this, pipeline);
      };
    });
    this.#methods.wrap(GPUComputePassEncoder.prototype, 'setBindGroup', (original) => {
      return function setBindGroup(this: GPUComputePassEncoder, ...args: Parameters<typeof original>) {
        const [, group] = args;
        ofPass(this).bytes = (group && sizes.get(group)) ?? 0;
        return original.apply(this, args);
      } as typeof original;
    });
    this.#methods.wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', (original) => {
      return function dispatchWorkgroups(this: GPUComputePassEncoder, x: number, y?: number, z?: number) {
        const { name, bytes } = ofPass(this);
        const { calls, bytes: before } = kernels.get(name) ?? { calls: 0, bytes: 0 };
        kernels.set(name, { calls: calls + 1, bytes: before + bytes });
        return original.call(this, x, y, z);
      };
    });
  }

  stop(): void {
    this.#methods.restore();
  }
}

function storageBytes(resource: GPUBindingResource): number {
  const isBinding = 'buffer' in resource;
  return isBinding && (resource.buffer.usage & GPUBufferUsage.STORAGE) !== 0 ? resource.buffer.size : 0;
}
