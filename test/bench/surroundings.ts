/**
 * What a benchmark needs of where it runs. In Node that is this process; in a page it is the page's side of a browser,
 * with the process that drives it behind (page/page.ts, chromium-bench.ts).
 */
import type { BenchBackend, BenchBackends } from './backend-pair.ts';

export interface Surroundings {
  /** Opens both backends; ours is the current one afterwards. @throws {LabError} `no-backend` */
  readonly openBackends: (backend: BenchBackend) => Promise<BenchBackends>;
  /** Says how far the benchmark is. */
  readonly say: (line: string) => void;
  /**
   * Milliseconds of processor time so far, of all threads and, of a browser, all processes. On a software adapter they tell
   * what computing took even where the machine is busy with other work.
   */
  readonly cpuMs: () => Promise<number>;
}
