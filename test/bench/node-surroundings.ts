/**
 * The surroundings of a benchmark in Node: this process.
 */
import { cpus } from 'node:os';
import process from 'node:process';
import { choicesInFile } from '../../src/cli/choices-file.ts';
import { readModelFiles } from '../../src/cli/model-folder.ts';
import { note } from '../../src/cli/terminal.ts';
import { openBenchBackends, openLabBackend } from './backends.ts';
import type { Surroundings } from './surroundings.ts';

/** @param adapter - see `openBenchBackends` */
export function nodeSurroundings(adapter: string | undefined): Surroundings {
  return {
    openBackends: (backend) => openBenchBackends(backend, adapter),
    openLab: (backend) => openLabBackend(backend, adapter),
    machine: {
      engine: choicesInFile('').engine,
      processors: cpus().length,
      processor: cpus()[0]?.model.trim(),
    },
    say: note,
    readModel: (name) => readModelFiles(`public/models/${name}`),
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return Promise.resolve((user + system) / 1000);
    },
  };
}
