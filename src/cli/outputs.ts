/**
 * The files that commands write. Inputs and existing files are never replaced by default: outputs are checked before
 * any work is done, written under a temporary name (`.part`), and renamed when complete.
 */
import { constants, type BigIntStats } from 'node:fs';
import {
  access,
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { isAlive, isErrno, systemError } from './system-errors.ts';

/** Conditions under which an output may be written. */
export interface OutputRules {
  /** The inputs of the command; undefined ones are ignored, and a folder means the files in it. */
  readonly inputs: readonly (string | undefined)[];
  /** Replaces existing files, but never an input. */
  readonly force?: boolean | undefined;
  /** Continues the part that an interrupted command has left. */
  readonly resume?: boolean | undefined;
  /** The option that names the output, for messages; `--out` by default. */
  readonly optionName?: string | undefined;
}

/** `--force` */
export function forceOption(): Option {
  return new Option('--force', 'replace what exists at --out (but never an input)');
}

/**
 * Checks that a file can be written, before anything is.
 *
 * @returns its path, with links resolved
 * @throws {LabError} `bad-config` if it is an input, exists already, or is a folder; `not-found` if its folder is
 *   missing; `bad-file` if that is not writable
 */
export async function checkOutputFile(path: string, rules: OutputRules): Promise<string> {
  const target = await realpath(path).catch(() => join(dirname(path), basename(path)));
  const there = await statOf(target);
  if (there?.isDirectory() === true) {
    throw new LabError('bad-config', {
      message: `${rules.optionName ?? '--out'} ${path} is a folder.`,
      expected: 'the name of a file',
      fix: `Name a file in it, such as ${join(path, 'result')} with the right ending.`,
    });
  }
  await checkWritable(path, dirname(target), rules.optionName);
  await checkReplacing(path, [target], rules);
  await checkReplacing(path, [partOf(target)], { ...rules, force: rules.force === true || rules.resume === true });
  return target;
}

/**
 * Checks that some files of a folder can be written; the folder may be missing.
 *
 * @throws {LabError} as {@link checkOutputFile}
 */
export async function checkOutputFolder(folder: string, names: readonly string[], rules: OutputRules): Promise<void> {
  const there = await statOf(folder);
  if (there !== undefined && !there.isDirectory()) throw notAFolder(folder);
  await checkWritable(folder, await lastThere(folder));
  await checkReplacing(
    folder,
    names.map((name) => join(folder, name)),
    rules,
  );
}

/** Which of some names exist in a folder. */
export async function existing(folder: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) if ((await statOf(join(folder, name))) !== undefined) found.push(name);
  return found;
}

/** The path of a file until it is complete. */
export function partOf(path: string): string {
  return `${path}.part`;
}

/** A file written in pieces, which gets its name when complete. */
export class OutputFile {
  readonly path: string;
  readonly #file: FileHandle;
  /** A device or a pipe, which is written to directly. */
  readonly isSpecial: boolean;

  private constructor(path: string, file: FileHandle, isSpecial: boolean) {
    this.path = path;
    this.#file = file;
    this.isSpecial = isSpecial;
  }

  /**
   * Begins a file.
   *
   * @param keptBytes - how many bytes of an interrupted command's output to keep, on resume
   * @throws {LabError} as {@link checkOutputFile}
   */
  static async create(path: string, rules: OutputRules, keptBytes = 0): Promise<OutputFile> {
    const target = await checkOutputFile(path, rules);
    const there = await statOf(target);
    const isSpecial = there !== undefined && !there.isFile();
    try {
      if (isSpecial) return new OutputFile(target, await open(target, 'w'), true);
      if (rules.resume === true) await truncate(partOf(target), keptBytes);
      return new OutputFile(target, await open(partOf(target), rules.resume === true ? 'a' : 'w'), false);
    } catch (error) {
      throw systemError(error, `write ${path}`);
    }
  }

  /** Appends everything. @throws {LabError} `storage-full`, `bad-file` */
  async write(contents: string | Uint8Array): Promise<void> {
    await this.#attempt(() => this.#file.appendFile(contents));
  }

  /** Renames the part to the file. @throws {LabError} as {@link write} */
  async finish(): Promise<void> {
    // A full disk may be reported only now.
    if (!this.isSpecial) await this.#attempt(() => this.#file.sync());
    await this.#attempt(() => this.#file.close());
    if (!this.isSpecial) await this.#attempt(() => rename(partOf(this.path), this.path));
  }

  /** Closes the file without renaming it. @param keep - whether to keep the part, to be resumed */
  async abandon(keep = false): Promise<void> {
    await this.#file.close().catch(() => undefined);
    if (!keep && !this.isSpecial) await rm(partOf(this.path), { force: true });
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw systemError(error, `write ${this.path}`);
    }
  }
}

/**
 * Writes a complete file, replacing what {@link checkOutputFile} allows.
 *
 * @throws {LabError} as {@link checkOutputFile}; `storage-full`
 */
export async function writeOutput(
  path: string,
  rules: OutputRules,
  pieces: Iterable<string | Uint8Array>,
): Promise<void> {
  const file = await OutputFile.create(path, rules);
  try {
    for (const piece of pieces) await file.write(piece);
    await file.finish();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** Writes a file so that a reader never sees half of it. @throws {LabError} `storage-full`, `bad-file` */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await writeTogether(dirname(path), new Map([[basename(path), contents]]));
}

/**
 * Writes files into a folder, which is created; none of them appears before all are written.
 *
 * @throws {LabError} `storage-full`, `bad-file`
 */
export async function writeTogether(folder: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  const paths = [...files.keys()].map((name) => join(folder, name));
  let at = folder;
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, contents] of files) {
      at = join(folder, name);
      await writeFile(ownPartOf(at), contents, { flush: true });
    }
    for (const path of paths) await rename(ownPartOf(path), path);
  } catch (error) {
    for (const path of paths) await rm(ownPartOf(path), { force: true }).catch(() => undefined);
    throw systemError(error, `write ${at}`);
  }
  await removeLeftParts(folder, files);
}

/** A part that no other process writes, so that none renames what another has half written. */
function ownPartOf(path: string): string {
  return partOf(`${path}.${process.pid}`);
}

/** Removes the parts that killed processes have left of some files. */
async function removeLeftParts(folder: string, files: ReadonlyMap<string, unknown>): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, file = '', owner] = /^(.+)\.(\d+)\.part$/u.exec(name) ?? [];
    if (files.has(file) && !isAlive(Number(owner)))
      await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/** Rejects paths that are inputs and, without `force`, those that exist. */
async function checkReplacing(
  out: string,
  paths: readonly string[],
  { inputs, force, optionName = '--out' }: OutputRules,
): Promise<void> {
  const read = await filesOf(inputs);
  const there: string[] = [];
  for (const path of paths) {
    const stats = await statOf(path);
    if (stats === undefined) continue;
    const input = read.get(identityOf(stats));
    if (input !== undefined) {
      throw new LabError('bad-config', {
        message: `${optionName} ${out} would replace the input ${input}.`,
        fix: `Choose another name for ${optionName}.`,
      });
    }
    if (stats.isFile() || stats.isDirectory()) there.push(path);
  }
  const [first] = there;
  if (force === true || first === undefined) return;
  const others = there.length > 1 ? ` and ${there.length - 1} more` : '';
  throw new LabError('bad-config', {
    message: `Something exists already: ${first}${others}.`,
    fix: `Choose another name for ${optionName}, or replace it with --force.`,
  });
}

/** The inputs by identity, so that different names of one file are recognised, each with a name for messages. */
async function filesOf(inputs: readonly (string | undefined)[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const input of inputs) {
    const stats = input === undefined ? undefined : await statOf(input);
    if (input === undefined || stats === undefined) continue;
    files.set(identityOf(stats), input);
    if (!stats.isDirectory()) continue;
    for (const name of await readdir(input).catch(() => [])) {
      const inside = await statOf(join(input, name));
      if (inside !== undefined) files.set(identityOf(inside), join(input, name));
    }
  }
  return files;
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Undefined where nothing exists. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    // Nothing exists below a file either.
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw systemError(error, `look at ${path}`);
  }
}

async function checkWritable(out: string, folder: string, optionName = '--out'): Promise<void> {
  const stats = await statOf(folder);
  if (stats === undefined) {
    throw new LabError('not-found', {
      message: `There is no folder ${folder} for ${optionName} ${out}.`,
      fix: `Create it first, for example with "mkdir -p ${folder}".`,
    });
  }
  if (!stats.isDirectory()) throw notAFolder(folder);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw systemError(error, `write into ${folder}`);
  }
}

/** The folder, or its nearest ancestor that exists. */
async function lastThere(folder: string): Promise<string> {
  let at = resolve(folder);
  for (;;) {
    const stats = await stat(at).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
      throw systemError(error, `look at ${at}`);
    });
    if (stats !== undefined || dirname(at) === at) return at;
    at = dirname(at);
  }
}

function notAFolder(path: string): LabError {
  return new LabError('bad-config', {
    message: `${path} is a file.`,
    expected: 'a folder, or the name of a new one',
    fix: 'Choose another name for --out.',
  });
}
