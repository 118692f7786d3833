/**
 * Four kinds of tests, run one kind after the other because each can fill a small machine by itself:
 * `unit` (pure, and tfjs on the CPU), `gpu` (WebGPU in Node by Dawn), `e2e` (the built page in Chromium), `browser` (the
 * checkpoint store in Chromium).
 */
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/setup/closing-line.ts';

export default defineConfig({
  test: {
    reporters: ['default', new ClosingLineReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/setup/property-seed.ts'],
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'gpu',
          include: ['test/gpu/**/*.test.ts'],
          globalSetup: ['test/setup/gpu-setup.ts'],
          // One forked process at a time: the driver is chosen by a native environment variable, and a software
          // adapter uses every core.
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          // A browser on a machine that is busy with other things now and then takes longer than a test waits. The first
          // failure is still reported.
          retry: 1,
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/setup/e2e-setup.ts'],
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'browser',
          // Once in some hundred kills Chromium comes back with an empty database of its own making: what had been flushed
          // to the disk is gone with everything else of the origin. No store can help that; the test has another try.
          retry: 1,
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/setup/store-setup.ts'],
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
