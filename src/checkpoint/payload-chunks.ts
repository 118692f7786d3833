/**
 * Payloads in the database: written chunk by chunk under a pending save, and verified chunk by chunk when read.
 *
 * A save makes one small transaction per chunk, so that little waits in memory and other tabs can read meanwhile. The
 * last transaction turns the pending save into a manifest. Each transaction checks that the save is still pending,
 * because a tab frozen for long may find that another tab considered its save abandoned and removed it.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { damaged } from './checkpoint-file.ts';
import type { ChunkInfo, Manifest, PlannedChunk } from './manifest.ts';
import { sha256Hex } from './sha256.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';
import { heldLocks, whileLocked } from '../common/tab-locks.ts';

/** Options of long operations. */
export interface LongOptions {
  /** Stops after the current chunk; nothing partial remains. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** A stored payload, and the object store that lists it. */
export interface StoredPayload extends Pick<Manifest, 'id' | 'name' | 'chunks' | 'sizeBytes'> {
  readonly shelf: 'manifests' | 'datasets';
}

/** Bytes to be saved, and their chunks. */
export interface Payload {
  readonly source: ByteSource;
  readonly plan: readonly PlannedChunk[];
}

/** Without locks, a save without writes for this long counts as dead. */
const DEAD_AFTER_MS = 10 * 60_000;

/**
 * Writes a payload under `id`, then has `commit` write its listing in the transaction that ends the save. On failure
 * the chunks are removed again.
 *
 * @throws {LabError} also `bad-file` if a chunk does not match the plan
 */
export async function savePayload<T>(
  database: StoreDatabase,
  id: string,
  payload: Payload,
  options: LongOptions,
  commit: (transaction: WriteTransaction, chunks: ChunkInfo[]) => Promise<T>,
): Promise<T> {
  return whileLocked(lockName(database, id), async () => {
    await begin(database, id);
    try {
      const chunks = await writeChunks(database, id, payload, options);
      return await database.write(
        SAVING,
        ['manifests', 'chunks', 'pending', 'runs', 'datasets'],
        async (transaction) => {
          await assertPending(transaction, id);
          await transaction.objectStore('pending').delete(id);
          return commit(transaction, chunks);
        },
      );
    } catch (thrown) {
      // If this fails too, the next opening sweeps; the first error is the one to report.
      await sweep(database, id).catch(() => undefined);
      throw thrown;
    }
  });
}

/**
 * The chunks of a checkpoint or a data set in order, each verified.
 *
 * @throws {LabError} `bad-checkpoint` at a chunk that is missing or has changed; `not-found` if the checkpoint is
 *   deleted in the meantime
 */
export async function* verifiedChunks(
  database: StoreDatabase,
  { shelf, id, name, chunks, sizeBytes: totalBytes }: StoredPayload,
  { signal, onProgress }: LongOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let doneBytes = 0;
  for (const [index, expected] of chunks.entries()) {
    throwIfAborted(signal);
    const place = `chunk ${index + 1} of ${chunks.length} of "${name}"`;
    const stored = await database.read(`read ${place}`, [shelf, 'chunks'], async (transaction) => {
      const [isListed, chunk] = await Promise.all([
        transaction.objectStore(shelf).count(id),
        transaction.objectStore('chunks').get([id, index]),
      ]);
      if (isListed === 0) throw notFound(id);
      return chunk;
    });
    if (stored === undefined) throw corrupt(place, 'a chunk in the database', 'nothing');
    if (!(stored instanceof Uint8Array)) throw corrupt(place, 'bytes', typeof stored);
    if (stored.length !== expected.sizeBytes) throw corrupt(place, `${expected.sizeBytes} bytes`, `${stored.length}`);
    const bytes = stored as Uint8Array<ArrayBuffer>; // a database holds no shared memory
    const sha256 = await sha256Hex(bytes);
    if (sha256 !== expected.sha256) throw corrupt(place, `SHA-256 ${expected.sha256}`, sha256);
    yield bytes;
    doneBytes += bytes.length;
    onProgress?.(doneBytes, totalBytes);
  }
}

/** Removes a manifest and its chunks, as part of a transaction. */
export async function removeCheckpoint(transaction: WriteTransaction, id: string): Promise<void> {
  await transaction.objectStore('manifests').delete(id);
  await transaction.objectStore('chunks').delete(chunksOf(id));
}

/**
 * Removes the remains of interrupted saves. A save in progress in some tab is left alone.
 *
 * @returns the number of removed saves
 */
export async function sweepDeadSaves(database: StoreDatabase): Promise<number> {
  const pending = await database.read('look for unfinished saves', ['pending'], (transaction) =>
    transaction.objectStore('pending').getAll(),
  );
  // Queried after the records are read, because a save takes its lock before it writes its record.
  const held = await heldLocks();
  const dead = pending.filter(({ id, touchedAt }) =>
    held === undefined ? Date.now() - touchedAt > DEAD_AFTER_MS : !held.has(lockName(database, id)),
  );
  let swept = 0;
  for (const { id } of dead) swept += (await sweep(database, id)) ? 1 : 0;
  return swept;
}

/** The error for an unknown checkpoint id. */
export function notFound(id: string): LabError {
  return new LabError('not-found', {
    message: `The checkpoint ${id} is not in this browser.`,
    fix: 'It was deleted, here or in another tab. Choose another one.',
  });
}

const SAVING = 'save the checkpoint';

async function begin(database: StoreDatabase, id: string): Promise<void> {
  await database.write(SAVING, ['manifests', 'pending'], async (transaction) => {
    const pending = transaction.objectStore('pending');
    if ((await transaction.objectStore('manifests').count(id)) + (await pending.count(id)) > 0) {
      throw new LabError('internal', {
        message: `The checkpoint ${id} is currently being saved or imported in another tab.`,
        fix: 'Try again when the other tab has finished.',
      });
    }
    await pending.put({ id, touchedAt: Date.now() });
  });
}

async function writeChunks(
  database: StoreDatabase,
  id: string,
  { source, plan }: Payload,
  { signal, onProgress }: LongOptions,
): Promise<ChunkInfo[]> {
  const chunks: ChunkInfo[] = [];
  let doneBytes = 0;
  for (const [index, planned] of plan.entries()) {
    throwIfAborted(signal);
    // A copy, because storing a view would store its whole underlying buffer.
    const bytes = await source.read(doneBytes, doneBytes + planned.sizeBytes);
    const sha256 = await sha256Hex(bytes);
    if (bytes.length !== planned.sizeBytes || (planned.sha256 ?? sha256) !== sha256) {
      const place = `chunk ${index + 1} of ${plan.length} has changed`;
      throw damaged(place, `${planned.sizeBytes} bytes, SHA-256 ${planned.sha256}`, `${bytes.length} bytes, ${sha256}`);
    }
    await database.write(SAVING, ['chunks', 'pending'], async (transaction) => {
      await assertPending(transaction, id);
      await transaction.objectStore('chunks').put(bytes, [id, index]);
      await transaction.objectStore('pending').put({ id, touchedAt: Date.now() });
    });
    chunks.push({ sizeBytes: bytes.length, sha256 });
    doneBytes += bytes.length;
    onProgress?.(doneBytes, source.sizeBytes);
  }
  throwIfAborted(signal);
  return chunks;
}

async function assertPending(transaction: WriteTransaction, id: string): Promise<void> {
  if ((await transaction.objectStore('pending').count(id)) > 0) return;
  throw new LabError('internal', {
    message: 'The save was interrupted: this tab was suspended for so long that another one treated it as closed.',
    fix: 'Save again.',
  });
}

/** Removes a pending save and its chunks; false if it has ended in the meantime, because its chunks are then in use. */
async function sweep(database: StoreDatabase, id: string): Promise<boolean> {
  return database.write('remove an unfinished save', ['chunks', 'pending'], async (transaction) => {
    const pending = transaction.objectStore('pending');
    if ((await pending.count(id)) === 0) return false;
    await pending.delete(id);
    await transaction.objectStore('chunks').delete(chunksOf(id));
    return true;
  });
}

/** The keys [id, 0], [id, 1], ...: arrays sort after all numbers. */
export function chunksOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []]);
}

function lockName(database: StoreDatabase, id: string): string {
  return `${database.name}/save/${id}`;
}

function corrupt(place: string, expected: string, got: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `The saved ${place} is damaged.`,
    expected,
    got,
    fix: 'Use another checkpoint, or import this one from an exported file, and delete it here.',
  });
}
