/**
 * Four kinds of tests, run one kind after the other because each can fill a small machine by itself:
 * `unit` (pure, and tfjs on the CPU), `gpu` (WebGPU in Node by Dawn), `e2e` (the built page in Chromium), `browser` (the
 * checkpoint store in Chromium).
 *
 * `npm test` leaves out files named `*.long.test.ts` and tests marked `whole`, and draws few examples for each
 * property; `npm run test:all` (mode `all`) has everything. A test fails that makes no assertion, but for those of the
 * page, which mostly wait for what they want to see.
 */
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/setup/closing-line.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether this is `npm run test:all`. */
    isWhole: boolean;
  }
}

/** Long enough for a machine that is busy with other things; what a test waits for is a condition, never a time. */
const BUSY_MACHINE_MS = 600_000;
const POLL_MS = 120_000;

export default defineConfig(({ mode }) => {
  const isWhole = mode === 'all';
  const common = {
    exclude: isWhole ? configDefaults.exclude : [...configDefaults.exclude, '**/*.long.test.ts'],
    provide: { isWhole },
    testTimeout: BUSY_MACHINE_MS,
    hookTimeout: BUSY_MACHINE_MS,
  };
  // One forked process at a time: a browser, or a software adapter, uses every core.
  const alone = { pool: 'forks', maxWorkers: 1, fileParallelism: false } as const;
  const inBrowser = { expect: { poll: { timeout: POLL_MS } } };
  return {
    test: {
      reporters: ['default', new ClosingLineReporter()],
      projects: [
        {
          test: {
            ...common,
            name: 'unit',
            setupFiles: ['test/setup/property-seed.ts'],
            maxWorkers: '100%',
            include: ['test/unit/**/*.test.ts', 'test/attack/**/*.test.ts'],
            expect: { requireAssertions: true },
            sequence: { groupOrder: 0 },
          },
        },
        {
          test: {
            ...common,
            ...alone, // and because the driver is chosen by a native environment variable
            name: 'gpu',
            include: ['test/gpu/**/*.test.ts'],
            globalSetup: ['test/setup/gpu-setup.ts'],
            expect: { requireAssertions: true },
            sequence: { groupOrder: 1 },
          },
        },
        {
          test: {
            ...common,
            ...alone,
            ...inBrowser,
            name: 'e2e',
            // A browser on a machine that is busy with other things now and then takes longer than a test waits. The
            // first failure is still reported.
            retry: 1,
            include: ['test/e2e/**/*.test.ts'],
            setupFiles: ['test/setup/no-foreign-requests.ts'],
            globalSetup: ['test/setup/e2e-setup.ts'],
            sequence: { groupOrder: 2 },
          },
        },
        {
          test: {
            ...common,
            ...alone,
            ...inBrowser,
            name: 'browser',
            // Once in some hundred kills Chromium comes back with an empty database of its own making: what had been
            // flushed to the disk is gone with everything else of the origin. No store can help that; the test has another
            // try.
            retry: 1,
            include: ['test/browser/**/*.test.ts'],
            globalSetup: ['test/setup/store-setup.ts'],
            sequence: { groupOrder: 3 },
          },
        },
      ],
    },
  };
});
