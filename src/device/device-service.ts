/** The thread of the page that measures this device, one part in each thread. */
import { parseConfig } from '../config/parse.ts';
import { openBackend, type BackendRequest } from '../gpu/device.ts';
import { fetchModel } from '../infer/model-fetch.ts';
import { type DeviceApi, type PartOutcome, type PartRequest, PartRequestSchema } from '../protocol/device-report.ts';
import { measureShortPart } from './short-parts.ts';

/** Measures one part and then has no more use, because the next would not be cold. */
export class DeviceService implements DeviceApi {
  readonly #backend: Pick<BackendRequest, 'wasmPaths' | 'findFault'>;

  constructor(backend: Pick<BackendRequest, 'wasmPaths' | 'findFault'>) {
    this.#backend = backend;
  }

  async measure(request: PartRequest): Promise<PartOutcome> {
    const { part, backend, modelUrl } = parseConfig('The request', PartRequestSchema, request);
    return measureShortPart(part, {
      machine: { engine: navigator.userAgent, processors: navigator.hardwareConcurrency },
      open: () => openBackend({ ...this.#backend, backend: backend === 'auto' ? undefined : backend }),
      readModel: () => fetchModel(modelUrl, () => undefined),
    });
  }
}
