/**
 * Imported data sets that runs learn from. A run resumes exactly only with its data, so the data enters the store in
 * the transaction that records the run, and is deleted when no checkpoint and no run refers to it, under way or in the
 * queue.
 *
 * The store does not interpret the bytes; their SHA-256 is their key.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { arraySource, planChunks } from './byte-source.ts';
import { ChunkInfoSchema } from './manifest.ts';
import { chunksOf, savePayload, verifiedChunks } from './payload-chunks.ts';
import { sha256Hex } from './sha256.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';

/** A data set to be kept. */
export interface DataToKeep {
  /** The name of its file. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The most bytes that are read into memory. */
const MAX_KEPT_BYTES = 2 ** 28;

const RecordSchema = v.pipe(
  v.strictObject({
    sha256: v.string(),
    name: v.string(),
    /** Milliseconds since 1970. */
    createdAt: v.pipe(v.number(), v.integer(), v.minValue(0)),
    sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_KEPT_BYTES)),
    chunks: v.array(ChunkInfoSchema),
  }),
  v.check(
    ({ sizeBytes, chunks }) => sizeBytes === chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0),
    'Invalid size: sizeBytes must be the sum of the chunks',
  ),
);

/** The data sets of one database; reached as `data` of a CheckpointStore. */
export class KeptData {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /**
   * Loads and verifies a data set; undefined if it is not kept here.
   *
   * @throws {LabError} `bad-checkpoint` if it is damaged
   */
  async load(sha256: string): Promise<DataToKeep | undefined> {
    const value = await this.#database.read('find the data', ['datasets'], (transaction) =>
      transaction.objectStore('datasets').get(sha256),
    );
    if (value === undefined) return undefined;
    const record = v.safeParse(RecordSchema, value);
    if (!record.success) throw damagedRecord(sha256, record.issues[0].message);
    const { name, sizeBytes, chunks } = record.output;
    const bytes = new Uint8Array(sizeBytes);
    let filledBytes = 0;
    for await (const chunk of verifiedChunks(
      this.#database,
      { shelf: 'datasets', id: sha256, name, chunks, sizeBytes },
      {},
    )) {
      bytes.set(chunk, filledBytes);
      filledBytes += chunk.length;
    }
    const got = await sha256Hex(bytes);
    if (got !== sha256) throw damagedRecord(sha256, `its contents are those of ${got}`);
    return { name, sha256, bytes };
  }
}

/**
 * Keeps a data set, unless it is already kept, and has `commit` write the reference to it in the same transaction, so
 * that it is never stored without a reference.
 *
 * @throws {LabError} `storage-full` if the browser has no room left
 */
export async function keepData(
  database: StoreDatabase,
  { name, sha256, bytes }: DataToKeep,
  commit: (transaction: WriteTransaction) => Promise<unknown>,
): Promise<void> {
  const isKept = await database.write('remember the run', ['datasets', 'runs'], async (transaction) => {
    if ((await transaction.objectStore('datasets').count(sha256)) === 0) return false;
    await commit(transaction);
    return true;
  });
  if (isKept) return;
  const payload = { source: arraySource(bytes), plan: planChunks(bytes.length) };
  await savePayload(database, sha256, payload, {}, async (transaction, chunks) => {
    const record = { sha256, name, createdAt: Date.now(), sizeBytes: bytes.length, chunks };
    await transaction.objectStore('datasets').put(record);
    await commit(transaction);
  });
}

/** The stores that {@link dropUnusedData} needs. */
export const DATA_STORES = ['manifests', 'chunks', 'runs', 'datasets', 'tracked'] as const;

/** Deletes the data sets that no checkpoint and no run refers to, as part of a transaction. */
export async function dropUnusedData(transaction: WriteTransaction): Promise<void> {
  const kept = await transaction.objectStore('datasets').getAllKeys();
  if (kept.length === 0) return;
  const [manifests, runs, tracked] = await Promise.all([
    transaction.objectStore('manifests').getAll(),
    transaction.objectStore('runs').getAll(),
    transaction.objectStore('tracked').getAll(),
  ]);
  const named = new Set([
    ...manifests.map(namedBy('worldHash')),
    ...runs.map(namedBy('dataHash')),
    ...tracked.map(queuedFor),
  ]);
  for (const sha256 of kept) {
    if (named.has(sha256)) continue;
    await transaction.objectStore('datasets').delete(sha256);
    await transaction.objectStore('chunks').delete(chunksOf(sha256));
  }
}

/** Reads one property even of a damaged record, so that data it refers to is not deleted. */
function namedBy(property: string): (record: unknown) => unknown {
  return (record) =>
    typeof record === 'object' && record !== null ? (record as Record<string, unknown>)[property] : undefined;
}

/** The data that a run of the queue will learn from. */
const QueuedSchema = v.object({
  queuedAt: v.number(),
  experiment: v.object({ data: v.object({ sha256: v.string() }) }),
});

function queuedFor(record: unknown): string | undefined {
  const { success, output } = v.safeParse(QueuedSchema, record);
  return success ? output.experiment.data.sha256 : undefined;
}

function damagedRecord(sha256: string, problem: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `The data set ${sha256.slice(0, 12)} in this browser is damaged: ${problem}.`,
    fix: 'Choose its file again.',
  });
}
