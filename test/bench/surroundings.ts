/**
 * The environment of a benchmark. In Node it is this process; in a page it is the page together with the process that
 * drives the browser (page/page.ts, chromium-bench.ts).
 */
import type { ModelFileName } from '../../src/infer/lab-model.ts';
import type { Machine } from '../../src/device/describe-device.ts';
import type { OpenedBackend } from '../../src/gpu/device.ts';
import type { BenchBackend, BenchBackends } from './backend-pair.ts';

export interface Surroundings {
  /** Opens both backends; the lab's is current afterwards. @throws {LabError} `no-backend` */
  readonly openBackends: (backend: BenchBackend) => Promise<BenchBackends>;
  /** Opens the lab's backend alone, and checks it. @throws {LabError} `no-backend` */
  readonly openLab: (backend: BenchBackend) => Promise<OpenedBackend>;
  readonly machine: Machine;
  /** Reports progress. */
  readonly say: (line: string) => void;
  /**
   * CPU time so far in milliseconds, of all threads and, in a browser, all processes. On a software adapter it measures
   * the compute time even on a busy machine.
   */
  readonly cpuMs: () => Promise<number>;
  /** The files of a bundled model, by the name of its folder. */
  readonly readModel: (name: string) => Promise<ReadonlyMap<ModelFileName, Uint8Array>>;
}
