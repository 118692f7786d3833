/**
 * The journal of an unfinished `lab score`, stored beside the partial output. Its first line identifies the input and
 * the model; each further line holds the scores of a batch and the length of the output after it. A batch counts once
 * its line is complete, so the two files are consistent whenever the process is killed.
 */
import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import type { LabelScore } from '../../infer/score.ts';
import { partOf } from '../outputs.ts';
import { isErrno, systemError } from '../system-errors.ts';

/** What must be unchanged to resume, by readable names. */
export type ScoreIdentity = Readonly<Record<string, string>>;

const ScoreSchema = v.strictObject({
  label: v.number(),
  probabilities: v.array(v.number()),
  score: v.number(),
  labelMass: v.number(),
});
const HeadSchema = v.strictObject({ version: v.literal(2), identity: v.record(v.string(), v.string()) });
const BatchSchema = v.strictObject({
  /** The length of the output after this batch. */
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  scores: v.array(v.strictObject({ row: v.number(), score: ScoreSchema, cutFields: v.array(v.string()) })),
});

/** The score of a row, without the row. */
export interface KeptScore {
  /** Its number in the file, because rows that cannot be scored are skipped. */
  readonly row: number;
  readonly score: LabelScore;
  readonly cutFields: readonly string[];
}

/** The rows scored so far. */
export interface KeptRows {
  readonly scores: readonly KeptScore[];
  /** The length of the output. */
  readonly bytes: number;
}

/** The journal of one output. */
export class ScoreJournal {
  readonly #path: string;
  readonly #out: string;

  /** @param out - the output, with links resolved */
  constructor(out: string) {
    this.#out = out;
    this.#path = `${partOf(out)}.journal`;
  }

  /**
   * Starts a new journal in place of any old one.
   *
   * @throws {LabError} `storage-full`, `bad-file`
   */
  async begin(identity: ScoreIdentity): Promise<void> {
    await this.#attempt(() => writeFile(this.#path, `${JSON.stringify({ version: 2, identity })}\n`));
  }

  /** Whether there is something to resume. */
  async isThere(): Promise<boolean> {
    return (await sizeOf(partOf(this.#out))) !== undefined && (await sizeOf(this.#path)) !== undefined;
  }

  /**
   * The rows of an interrupted command. The journal is cut to them.
   *
   * @param multiple - keeps a multiple of this number of rows, because rows scored in one batch must stay in one batch
   * @throws {LabError} `not-found` if there is nothing to resume; `bad-config` if something else was scored
   */
  async resume(identity: ScoreIdentity, multiple: number): Promise<KeptRows> {
    const [text, partBytes] = [await this.#read(), await sizeOf(partOf(this.#out))];
    const [first = '', ...rest] = (text ?? '').split('\n');
    const head = v.safeParse(HeadSchema, parseLine(first));
    if (partBytes === undefined || !head.success) {
      throw new LabError('not-found', {
        message: `There is no interrupted scoring to resume for ${this.#out}.`,
        expected: `${partOf(this.#out)} with its journal`,
        fix: 'Leave out --resume.',
      });
    }
    this.#checkSame(head.output.identity, identity);
    const scores: KeptScore[] = [];
    let kept: KeptRows = { scores: [], bytes: 0 };
    let journalBytes = Buffer.byteLength(first) + 1;
    let keptJournalBytes = journalBytes;
    // The last line is incomplete or empty.
    for (const line of rest.slice(0, -1)) {
      const batch = v.safeParse(BatchSchema, parseLine(line));
      if (!batch.success || batch.output.bytes > partBytes) break;
      scores.push(...batch.output.scores);
      journalBytes += Buffer.byteLength(line) + 1;
      if (scores.length % multiple !== 0) continue;
      kept = { scores: [...scores], bytes: batch.output.bytes };
      keptJournalBytes = journalBytes;
    }
    await this.#attempt(() => truncate(this.#path, keptJournalBytes));
    return kept;
  }

  /** Records a batch that the output holds. @param bytes - the length of the output */
  async add(scores: readonly KeptScore[], bytes: number): Promise<void> {
    const plain = scores.map(({ row, score, cutFields }) => ({ row, score, cutFields: [...cutFields] }));
    await this.#attempt(() => appendFile(this.#path, `${JSON.stringify({ bytes, scores: plain })}\n`));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  #checkSame(saved: ScoreIdentity, asked: ScoreIdentity): void {
    const names = [...new Set([...Object.keys(saved), ...Object.keys(asked)])];
    const changed = names.filter((name) => saved[name] !== asked[name]);
    if (changed.length === 0) return;
    const listed = (of: ScoreIdentity): string => changed.map((name) => `${name} ${of[name] ?? 'none'}`).join('; ');
    throw new LabError('bad-config', {
      message: `The interrupted scoring for ${this.#out} cannot be resumed, because its input, model or options differ.`,
      expected: listed(saved),
      got: listed(asked),
      fix: 'Repeat the command unchanged, or start over with --force.',
    });
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw systemError(error);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw systemError(error, `write ${this.#path}`);
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null; // the schema reports what was expected
  }
}
