/** The current backend and the machine, as a report names them. */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { isSoftware } from '../gpu/adapter.ts';
import type { OpenedBackend } from '../gpu/device.ts';
import type { Device } from '../protocol/device-report.ts';

/** What only the surroundings know. */
export interface Machine {
  /** The browser or runtime with its version. */
  readonly engine: string;
  /** Logical processors; 0 if unknown. */
  readonly processors: number;
  /** The name of the processor, where it is known. */
  readonly processor?: string | undefined;
}

/** Describes the backend that was opened, which must be current. */
export function describeDevice({ backend, device: name }: OpenedBackend, machine: Machine): Device {
  const { engine, processors, processor } = machine;
  const current = tf.backend();
  const device = 'device' in current ? (current as WebGPUBackend).device : undefined;
  if (device === undefined) {
    return {
      backend,
      name: processor === undefined ? name : `${processor}, ${name}`,
      kind: 'processor',
      adapter: null,
      features: [],
      limits: null,
      threads: 1, // the lab's kernels compute on the thread that calls them
      processors,
      engine,
    };
  }
  // Browsers had devices before these had this property.
  const info = device.adapterInfo as GPUAdapterInfo | undefined;
  const { vendor = '', architecture = '', device: id = '', description = '' } = info ?? {};
  return {
    backend,
    name,
    kind: info !== undefined && isSoftware(info) ? 'software adapter' : 'hardware GPU',
    adapter: { vendor, architecture, device: id, description },
    features: [...device.features].toSorted(),
    limits: {
      subgroupMin: info?.subgroupMinSize ?? 0,
      subgroupMax: info?.subgroupMaxSize ?? 0,
      bindingBytes: device.limits.maxStorageBufferBindingSize,
    },
    threads: 1,
    processors,
    engine,
  };
}
