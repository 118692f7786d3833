/**
 * Files of judged pairs: their original bytes, the meanings of their columns and grades, the scores so far, and a
 * person's corrections. A page that is closed or killed at any moment loses none of it, because each batch of scores
 * and each correction is one transaction. Tabs that have the same file open lose nothing of each other either, because
 * each correction is a record of its own, and a change of the record is derived from it as it is stored.
 *
 * The store does not interpret the state of scoring; it is plain data here.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import {
  isSameCorrection,
  type KeptCorrection,
  KeptCorrectionSchema,
  type KeptScores,
  KeptScoresSchema,
} from './judged-parts.ts';
import { newId, TimeSchema } from './manifest.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';
import { heldLocks, whileLocked } from '../common/tab-locks.ts';

/** The most files of one record. */
const MAX_FILES = 20;
/** A file is kept in pieces, so that nothing large waits in memory. */
const PART_BYTES = 8 * 2 ** 20;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const RecordSchema = v.strictObject({
  schemaVersion: v.literal(1),
  id: v.string(),
  createdAt: TimeSchema,
  /** The files that are judged together, in any order. */
  files: v.pipe(
    v.array(v.strictObject({ name: v.string(), sizeBytes: count })),
    v.minLength(1),
    v.maxLength(MAX_FILES),
  ),
  /** Names the columns of the files: what was said of one file holds for another of the same shape. */
  shape: v.string(),
  /** The column of each role; an empty name for none. */
  columns: v.record(v.string(), v.string()),
  /** What a person said of how the files are read; none where that was found. */
  reading: v.optional(v.strictObject({ format: v.string(), sheet: v.string() })),
  /** What grades mean, as protocol/grade-meanings.ts reads it. */
  grades: v.string(),
  /** Whether a person has confirmed the columns. */
  isMapped: v.boolean(),
  /** Scored pairs. */
  scored: count,
  /** The scorer and the state of scoring; null before. */
  scoring: v.nullable(v.unknown()),
  /** What it has taught a model. */
  learning: v.optional(v.unknown()),
  /** The rules that were found in its grades, read or edited. */
  rules: v.optional(v.unknown()),
});
export type JudgedRecord = v.InferOutput<typeof RecordSchema>;

/** The fields of a record that can change. */
export type JudgedChange = Partial<
  Pick<
    JudgedRecord,
    'shape' | 'columns' | 'reading' | 'grades' | 'isMapped' | 'scored' | 'scoring' | 'learning' | 'rules'
  >
>;

/** A change, or a function that derives it from the stored record, because another tab may have changed that. */
export type JudgedUpdate = JudgedChange | ((now: JudgedRecord) => JudgedChange);

/** A file with its bytes. */
export interface JudgedBytes {
  readonly name: string;
  readonly blob: Blob;
}

/** The judged files of one database; reached as `judged` of a CheckpointStore. */
export class JudgedFiles {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** All files, newest first. Records that cannot be read are listed by their id. */
  async list(): Promise<{ readonly records: readonly JudgedRecord[]; readonly damaged: readonly string[] }> {
    await this.#sweep();
    const values = await this.#database.read('list the files', ['judged'], (transaction) =>
      transaction.objectStore('judged').getAll(),
    );
    const read = values.map((value) => ({ value, result: v.safeParse(RecordSchema, value) }));
    return {
      records: read
        .flatMap(({ result }) => (result.success ? [result.output] : []))
        .toSorted((a, b) => b.createdAt - a.createdAt),
      damaged: read.flatMap(({ value, result }) => (result.success ? [] : [idOf(value)])),
    };
  }

  /** Stores files. @throws {LabError} `storage-full`; whatever the browser throws for a file that it cannot read */
  async add(files: readonly JudgedBytes[], change: JudgedChange): Promise<JudgedRecord> {
    const id = newId();
    return whileLocked(this.#lockName(id), async () => {
      const record = parseConfig('The record of a file', RecordSchema, {
        schemaVersion: 1,
        id,
        createdAt: Date.now(),
        files: files.map(({ name, blob }) => ({ name, sizeBytes: blob.size })),
        shape: '',
        columns: {},
        grades: '',
        isMapped: false,
        scored: 0,
        scoring: null,
        ...change,
      });
      try {
        for (const [number, { blob }] of files.entries()) await this.#addBytes(id, number, blob);
        await this.#database.write('keep the file', ['judged'], (transaction) =>
          transaction.objectStore('judged').add(record),
        );
      } catch (thrown) {
        await this.remove(id).catch(() => undefined);
        throw thrown;
      }
      return record;
    });
  }

  /** @throws {LabError} `not-found`, `bad-checkpoint` */
  async get(id: string): Promise<JudgedRecord> {
    const value = await this.#database.read('find the file', ['judged'], (transaction) =>
      transaction.objectStore('judged').get(id),
    );
    return readRecord(id, value);
  }

  /** The original files of a record. @throws {LabError} `bad-checkpoint` if bytes are missing */
  async files({ id, files }: JudgedRecord): Promise<JudgedBytes[]> {
    const loaded: JudgedBytes[] = [];
    for (const [number, { name, sizeBytes }] of files.entries()) {
      const parts = await this.#parts(id, 'source', number);
      const blob = new Blob(parts.filter((part) => part instanceof Uint8Array) as Uint8Array<ArrayBuffer>[]);
      if (blob.size !== sizeBytes) throw damaged(id, `${name} has ${blob.size} bytes of ${sizeBytes}`);
      loaded.push({ name, blob });
    }
    return loaded;
  }

  /** Changes a record. @throws {LabError} as {@link get}, and what a function throws, which then changes nothing */
  async update(id: string, change: JudgedUpdate): Promise<JudgedRecord> {
    return this.#database.write('update the file', ['judged'], (transaction) => changed(transaction, id, change));
  }

  async remove(id: string): Promise<void> {
    await this.#database.write('delete the file', ['judged', 'judgedParts'], async (transaction) => {
      await transaction.objectStore('judged').delete(id);
      await transaction.objectStore('judgedParts').delete(IDBKeyRange.bound([id], [id, []]));
    });
  }

  /** Stores the scores of a batch together with a change of the record. @param number - of the batch, from 0 */
  async keepScores(id: string, number: number, scores: KeptScores, change: JudgedUpdate): Promise<void> {
    await this.#database.write('keep the scores', ['judged', 'judgedParts'], async (transaction) => {
      await transaction.objectStore('judgedParts').put(scores, [id, 'scores', number, 0]);
      await changed(transaction, id, change);
    });
  }

  /** The batches of scores, in order, up to the first that cannot be read; the rest must be scored again. */
  async scores(id: string): Promise<KeptScores[]> {
    const kept: KeptScores[] = [];
    for (const part of await this.#parts(id, 'scores')) {
      const read = v.safeParse(KeptScoresSchema, part);
      if (!read.success) break;
      kept.push(read.output);
    }
    return kept;
  }

  /** Deletes the scores, but not the corrections. */
  async dropScores(id: string, change: JudgedUpdate): Promise<JudgedRecord> {
    return this.#database.write('forget the scores', ['judged', 'judgedParts'], async (transaction) => {
      await transaction.objectStore('judgedParts').delete(IDBKeyRange.bound([id, 'scores'], [id, 'scores', []]));
      return changed(transaction, id, (now) => ({ ...changeOf(change, now), scored: 0 }));
    });
  }

  /**
   * Stores a correction after all others, whichever tab they come from; one that is stored last already is not repeated.
   *
   * @param check - called with the record as it is stored; nothing is stored if it throws
   * @throws {LabError} `not-found` if the file was deleted
   */
  async addCorrection(id: string, correction: KeptCorrection, check?: (now: JudgedRecord) => void): Promise<void> {
    const checked = parseConfig('A correction', KeptCorrectionSchema, correction);
    await this.#database.write('keep the correction', ['judged', 'judgedParts'], async (transaction) => {
      const now = readRecord(id, await transaction.objectStore('judged').get(id));
      check?.(now);
      const parts = transaction.objectStore('judgedParts');
      const last = await parts.openCursor(correctionsOf(id), 'prev');
      if (last !== null && isSameCorrection(last.value, checked)) return;
      await parts.put(checked, [id, 'correction', last === null ? 0 : last.key[2] + 1, 0]);
    });
  }

  /** Deletes the last of the corrections that are equal to this one, if it is still stored. */
  async dropCorrection(id: string, correction: KeptCorrection): Promise<void> {
    await this.#database.write('undo the correction', ['judgedParts'], async (transaction) => {
      const parts = transaction.objectStore('judgedParts');
      for await (const cursor of parts.iterate(correctionsOf(id), 'prev')) {
        if (isSameCorrection(cursor.value, correction)) return cursor.delete();
      }
      return undefined;
    });
  }

  /** All corrections, oldest first. */
  async corrections(id: string): Promise<KeptCorrection[]> {
    return (await this.#parts(id, 'correction')).flatMap((part) => {
      const read = v.safeParse(KeptCorrectionSchema, part);
      return read.success ? [read.output] : [];
    });
  }

  async #addBytes(id: string, number: number, blob: Blob): Promise<void> {
    for (let part = 0; part * PART_BYTES < blob.size; part++) {
      const bytes = new Uint8Array(await blob.slice(part * PART_BYTES, (part + 1) * PART_BYTES).arrayBuffer());
      await this.#database.write('keep the file', ['judgedParts'], (transaction) =>
        transaction.objectStore('judgedParts').put(bytes, [id, 'source', number, part]),
      );
    }
  }

  async #parts(id: string, kind: string, number?: number): Promise<unknown[]> {
    const prefix = number === undefined ? [id, kind] : [id, kind, number];
    return this.#database.read('read the file', ['judgedParts'], (transaction) =>
      transaction.objectStore('judgedParts').getAll(IDBKeyRange.bound(prefix, [...prefix, []])),
    );
  }

  /** Deletes parts left by an interrupted {@link add}: those without a record and without a lock. */
  async #sweep(): Promise<void> {
    const held = await heldLocks();
    if (held === undefined) return;
    await this.#database.write('tidy up', ['judged', 'judgedParts'], async (transaction) => {
      const known = new Set(await transaction.objectStore('judged').getAllKeys());
      const parts = transaction.objectStore('judgedParts');
      const ids = new Set((await parts.getAllKeys()).map(([id]) => id));
      for (const id of ids) {
        if (!known.has(id) && !held.has(this.#lockName(id))) await parts.delete(IDBKeyRange.bound([id], [id, []]));
      }
    });
  }

  #lockName(id: string): string {
    return `${this.#database.name} judged ${id}`;
  }
}

/** The keys of the corrections of a record. */
function correctionsOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 'correction'], [id, 'correction', []]);
}

async function changed(transaction: WriteTransaction, id: string, change: JudgedUpdate): Promise<JudgedRecord> {
  const store = transaction.objectStore('judged');
  const now = readRecord(id, await store.get(id));
  const record = { ...now, ...changeOf(change, now) };
  await store.put(record);
  return record;
}

/** What an update comes to for a record. */
export function changeOf(update: JudgedUpdate, now: JudgedRecord): JudgedChange {
  return typeof update === 'function' ? update(now) : update;
}

function readRecord(id: string, value: unknown): JudgedRecord {
  if (value === undefined) {
    throw new LabError('not-found', { message: 'This file is not kept here any more.', fix: 'Choose it again.' });
  }
  const read = v.safeParse(RecordSchema, value);
  if (read.success) return read.output;
  throw damaged(id, read.issues[0].message);
}

function damaged(id: string, problem: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `The file ${id} that is kept here is damaged: ${problem}.`,
    fix: 'Delete it and choose the file again.',
  });
}

function idOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value ? String(value.id) : '';
}
