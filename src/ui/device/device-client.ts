/** The page's side of the worker that measures this device. */
import workerUrl from '../../../workers/device.worker.ts?worker&url';
import { type DeviceApi, PartOutcomeSchema } from '../../protocol/device-report.ts';
import { openWorker, type WorkerClient } from '../parts/sessions/open-worker.ts';

/** Measures one part, and is closed then. */
export type DeviceClient = Pick<WorkerClient<DeviceApi>, 'measure' | 'close'>;
/** Starts the worker. */
export type OpenDevice = () => Promise<DeviceClient>;

export function openDeviceWorker(): DeviceClient {
  return openWorker<DeviceApi>(workerUrl, { measure: { result: PartOutcomeSchema } }, { name: 'device' });
}
