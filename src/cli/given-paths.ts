/**
 * Files by their paths, for commands. Standard input and pipes can be read only once and from the start, so they are
 * copied into a temporary file first, which is removed when the process ends.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LabError } from '../common/errors.ts';
import type { ByteSource } from '../checkpoint/byte-source.ts';
import type { GivenFile } from '../data/kinds/given-file.ts';
import { interruption } from './interruption.ts';
import { systemError } from './system-errors.ts';

/** The name of standard input on the command line. */
const STDIN = '-';
const MAX_PIPED_BYTES = 2 ** 30;

/** A file of a command. */
export interface FileOfPath extends GivenFile {
  /** Where its bytes are: its path, or that of a copy. */
  readonly place: string;
}

/** What a file is called in messages and proofs. */
export function nameOfPath(path: string): string {
  return path === STDIN ? 'standard input' : basename(path);
}

/** @throws {LabError} `not-found` unless there is a file; `bad-file` if a pipe has too much */
export async function givenPath(path: string): Promise<FileOfPath> {
  const place = await placeOf(path);
  const { size: sizeBytes } = await stat(place);
  const source: ByteSource = { sizeBytes, read: (start, end) => readRange(place, start, end) };
  return {
    name: nameOfPath(path),
    sizeBytes,
    place,
    open: () => createReadStream(place),
    bytes: () => Promise.resolve(source),
  };
}

/** @throws {LabError} `bad-config` if standard input, which can be read once, is given for several files */
export function checkOneStdin(paths: readonly (string | undefined)[]): void {
  if (paths.filter((path) => path === STDIN).length < 2) return;
  throw new LabError('bad-config', {
    message: 'Standard input (-) is given for several files.',
    expected: 'it once, because it can be read once',
    fix: 'Save the others as files, and name these.',
  });
}

async function placeOf(path: string): Promise<string> {
  if (path === STDIN) return spool(path, process.stdin);
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFIFO() === true) return spool(path, createReadStream(path));
  if (stats?.isFile() === true) return path;
  throw notThere(path, stats !== undefined);
}

/** The error for a path without a file. */
export function notThere(path: string, isThere: boolean): LabError {
  return new LabError('not-found', {
    message: isThere ? `${path} is not a file.` : `There is no file ${path}.`,
    expected: 'a file of query-document pairs',
    fix: 'Check the path.',
  });
}

async function spool(path: string, from: Readable): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const place = join(folder, 'input');
  let total = 0;
  const counted = new Transform({
    transform(chunk: Uint8Array, _, done): void {
      total += chunk.length;
      done(total > MAX_PIPED_BYTES ? tooMuch(path) : null, chunk);
    },
  });
  await pipeline(from, counted, createWriteStream(place), { signal: interruption() });
  return place;
}

async function readRange(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path).catch((error: unknown) => {
    throw systemError(error, `read ${path}`);
  });
  try {
    const bytes = new Uint8Array(Math.max(0, end - start));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}

function tooMuch(path: string): LabError {
  return new LabError('bad-file', {
    message: `${path === STDIN ? 'Standard input' : path} is too large.`,
    expected: `at most ${MAX_PIPED_BYTES} bytes`,
    fix: 'Save it as a file, and name that.',
  });
}
