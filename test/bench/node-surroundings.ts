/**
 * The surroundings of a benchmark in Node: this process.
 */
import process from 'node:process';
import { note } from '../../src/cli/terminal.ts';
import { openBenchBackends } from './backends.ts';
import type { Surroundings } from './surroundings.ts';

/** @param adapter - see `openBenchBackends` */
export function nodeSurroundings(adapter: string | undefined): Surroundings {
  return {
    openBackends: (backend) => openBenchBackends(backend, adapter),
    say: note,
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return Promise.resolve((user + system) / 1000);
    },
  };
}
