/**
 * Choices of kernel variants in a file of the user's cache, `afrl-lab/variants.json` in `XDG_CACHE_HOME` or `~/.cache`.
 * It may be deleted at any time.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { ChoiceKeeper } from '../gpu/kept-choices.ts';

/** Keeps choices in a file; default: that of the user's cache. */
export function choicesInFile(file: string = defaultFile()): ChoiceKeeper {
  const read = async (): Promise<unknown> => {
    const text = await readFile(file, 'utf8').catch(() => '[]');
    try {
      return JSON.parse(text);
    } catch {
      return undefined; // damaged, so it is written anew
    }
  };
  return {
    engine: `Node ${process.version}, webgpu ${dawnVersion()}, ${process.platform} ${process.arch}`,
    read,
    // Two processes at once can lose the choices of one of them, which are then measured again. No reader sees a part.
    change: async (changed) => {
      await mkdir(dirname(file), { recursive: true });
      const part = `${file}.${process.pid}.part`;
      await writeFile(part, JSON.stringify(changed(await read())));
      await rename(part, file);
    },
  };
}

function defaultFile(): string {
  const { XDG_CACHE_HOME: cache } = process.env;
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'afrl-lab', 'variants.json');
}

function dawnVersion(): string {
  return (createRequire(import.meta.url)('webgpu/package.json') as { readonly version: string }).version;
}
