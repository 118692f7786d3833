/**
 * The log of a run: one JSON object per line, in the order of steps. It is written during the run. On resume it is cut
 * to the checkpoint, because later steps are repeated.
 */
import { appendFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '../outputs.ts';
import { isErrno, systemError } from '../system-errors.ts';

/** A log on disk. */
export class RunLog {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens a log, keeping its lines up to a step if it exists.
   *
   * @param lastStep - later lines are dropped, and incomplete ones
   * @throws {LabError} `bad-file`, `storage-full`
   */
  static async open(path: string, lastStep: number): Promise<RunLog> {
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
      throw systemError(error, `make the folder ${dirname(path)}`);
    });
    const lines = await readLines(path);
    const kept = lines.filter((line) => stepOf(line) <= lastStep);
    // A run interrupted before its first log entry leaves no log.
    if (lines.length > 0) await writeWhole(path, kept.map((line) => `${line}\n`).join(''));
    return new RunLog(path);
  }

  /**
   * Appends a line.
   *
   * @param step - steps made
   * @throws {LabError} `storage-full`, `bad-file`
   */
  add(step: number, entry: object): void {
    try {
      appendFileSync(this.#path, `${JSON.stringify({ step, ...entry })}\n`);
    } catch (error) {
      throw systemError(error, `write ${this.#path}`);
    }
  }
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw systemError(error, `read ${path}`);
  }
}

/** Infinite where a line is not an entry. */
function stepOf(line: string): number {
  try {
    const entry = JSON.parse(line) as unknown;
    if (typeof entry === 'object' && entry !== null && 'step' in entry && typeof entry.step === 'number') {
      return entry.step;
    }
  } catch {
    // an incomplete line
  }
  return Infinity;
}
