/**
 * The checkpoints that this browser keeps. The store keeps bytes under a manifest and returns the same bytes or an
 * error; it knows nothing of models or training. This room holds the bytes: file formats, manifests and the store in
 * IndexedDB.
 *
 * - A checkpoint is listed only when all of it is on disk. An interrupted save changes nothing that was there before,
 *   and its remains are removed at the next opening.
 * - Every chunk has a SHA-256 that is verified on each read.
 * - Any number of tabs and workers may use the store at the same time.
 *
 * All of it runs in pages and in workers, on secure pages and on plain http:// pages.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { arraySource, type ByteSource, planChunks } from './byte-source.ts';
import { checkpointFileName, readCheckpointFile, writeFileHead } from './checkpoint-file.ts';
import {
  type CheckpointInfoInput,
  CheckpointInfoSchema,
  freeName,
  type Manifest,
  MAX_CHECKPOINT_BYTES,
  NameSchema,
  newestFirst,
  newId,
  NoteSchema,
  readManifest,
  surplusOf,
} from './manifest.ts';
import { DATA_STORES, dropUnusedData, KeptData } from './kept-data.ts';
import { JudgedFiles } from './judged-files.ts';
import { OpenRuns } from './open-runs.ts';
import { RunRecords } from './run-records.ts';
import { TrackedRuns } from './tracked-runs.ts';
import {
  type LongOptions,
  notFound,
  removeCheckpoint,
  savePayload,
  sweepDeadSaves,
  verifiedChunks,
} from './payload-chunks.ts';
import { type DatabaseOptions, type ReadTransaction, StoreDatabase, type WriteTransaction } from './store-database.ts';

type AnyTransaction = ReadTransaction | WriteTransaction;

/** The name of the database in an origin's IndexedDB. */
const DATABASE_NAME = 'afrl-lab';

/** The contents of a store. */
export interface CheckpointList {
  /** Newest first. */
  readonly checkpoints: readonly Manifest[];
  /** Records that cannot be parsed; they can only be deleted. */
  readonly damaged: readonly { readonly id: string; readonly problem: string }[];
}

/** A checkpoint with its payload. */
export interface LoadedCheckpoint {
  readonly manifest: Manifest;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface SaveOptions extends LongOptions {
  /** The number of automatic checkpoints to keep of the same run, including this one. Default: all. */
  readonly keepLast?: number | undefined;
  /** One that is kept besides, such as the best. */
  readonly keepId?: string | null | undefined;
}

/**
 * Opens the store of this origin and removes the remains of interrupted saves.
 *
 * @throws {LabError} with a fix, if there is no database, another tab blocks it, or its version is newer
 */
export async function openCheckpointStore(options: Partial<DatabaseOptions> = {}): Promise<CheckpointStore> {
  const database = await StoreDatabase.open({ name: DATABASE_NAME, ...options });
  try {
    await sweepDeadSaves(database);
    return new CheckpointStore(database);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** An open store; see {@link openCheckpointStore}. Every method may throw a LabError of the browser's database. */
export class CheckpointStore {
  /** The training runs that have started and not finished. */
  readonly runs: OpenRuns;
  /** The imported data that runs and checkpoints learn from. */
  readonly data: KeptData;
  /** The events of finished runs. */
  readonly records: RunRecords;
  /** Files of pairs that are judged here. */
  readonly judged: JudgedFiles;
  /** The records of all runs. */
  readonly tracked: TrackedRuns;
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
    this.runs = new OpenRuns(database);
    this.data = new KeptData(database);
    this.records = new RunRecords(database);
    this.judged = new JudgedFiles(database);
    this.tracked = new TrackedRuns(database);
  }

  /** Every checkpoint; reads manifests only. */
  async list(): Promise<CheckpointList> {
    return this.#database.read('list the checkpoints', ['manifests'], readAll);
  }

  /** @throws {LabError} `not-found` or, if its record is damaged, `bad-checkpoint` */
  async get(id: string): Promise<Manifest> {
    return this.#database.read('find the checkpoint', ['manifests'], (transaction) => readOne(transaction, id));
  }

  /**
   * Saves a payload. If the name is taken, a number is appended to it.
   *
   * @param payload - must not change before this resolves
   * @returns the manifest, with id and final name
   * @throws {LabError} `bad-config` for an unusable manifest, `bad-checkpoint` for an empty or too large payload,
   *   `storage-full` if the browser has no room left, `aborted`
   */
  async save(
    info: CheckpointInfoInput,
    payload: Uint8Array<ArrayBuffer> | ByteSource,
    { keepLast, keepId, ...options }: SaveOptions = {},
  ): Promise<Manifest> {
    const checked = parseConfig('The manifest of a checkpoint', CheckpointInfoSchema, info);
    if (keepLast !== undefined) parseConfig('keepLast', v.pipe(v.number(), v.integer(), v.minValue(1)), keepLast);
    const source = payload instanceof Uint8Array ? arraySource(payload) : payload;
    checkSize(checked.name, source.sizeBytes);
    const whole = { source, plan: planChunks(source.sizeBytes) };
    const id = newId();
    const createdAt = Date.now();
    return savePayload(this.#database, id, whole, options, async (transaction, chunks) => {
      const { checkpoints } = await readAll(transaction);
      const name = freeName(checked.name, namesOf(checkpoints));
      const manifest = { ...checked, name, id, createdAt, sizeBytes: source.sizeBytes, chunks };
      await transaction.objectStore('manifests').put(manifest);
      if (keepLast !== undefined && manifest.runId !== null) {
        const ofRun = [...checkpoints, manifest].filter(({ runId }) => runId === manifest.runId);
        for (const surplus of surplusOf(ofRun, id, keepLast, keepId)) await removeCheckpoint(transaction, surplus.id);
      }
      return manifest;
    });
  }

  /**
   * Loads and verifies a checkpoint.
   *
   * @throws {LabError} `not-found`, `bad-checkpoint` if a chunk is missing or has changed, `out-of-memory`, `aborted`
   */
  async load(id: string, options: LongOptions = {}): Promise<LoadedCheckpoint> {
    const manifest = await this.get(id);
    const payload = allocate(manifest);
    let filledBytes = 0;
    for await (const chunk of verifiedChunks(this.#database, { ...manifest, shelf: 'manifests' }, options)) {
      payload.set(chunk, filledBytes);
      filledBytes += chunk.length;
    }
    return { manifest, payload };
  }

  /**
   * Renames a checkpoint. Retention never deletes a checkpoint that a person has named.
   *
   * @throws {LabError} `not-found`, or `bad-config` if the name is empty, too long or taken
   */
  async rename(id: string, name: string): Promise<Manifest> {
    const checked = parseConfig('The name of a checkpoint', NameSchema, name);
    return this.#change(id, { name: checked }, async (transaction) => {
      const { checkpoints } = await readAll(transaction);
      if (!namesOf(checkpoints.filter((other) => other.id !== id)).has(checked)) return;
      throw new LabError('bad-config', {
        message: `There is already a checkpoint named "${checked}".`,
        fix: 'Choose another name, or rename or delete the other one first.',
      });
    });
  }

  /** Sets the note of a checkpoint; from then on retention never deletes it. */
  async annotate(id: string, note: string): Promise<Manifest> {
    return this.#change(id, { note: parseConfig('The note to a checkpoint', NoteSchema, note) });
  }

  /** Deletes a checkpoint, damaged or not, and imported data that only it refers to. An unknown id is ignored. */
  async remove(id: string): Promise<void> {
    await this.#database.write('delete the checkpoint', [...DATA_STORES], async (transaction) => {
      await removeCheckpoint(transaction, id);
      await dropUnusedData(transaction);
    });
  }

  /**
   * Writes a checkpoint to one file (checkpoint-file.ts) and verifies it. The file does not include imported training
   * data; where that is not kept, its file must be chosen again to resume the run.
   *
   * @throws {LabError} as {@link load}
   */
  async exportFile(id: string, options: LongOptions = {}): Promise<{ readonly fileName: string; readonly file: Blob }> {
    const manifest = await this.get(id);
    const parts: Blob[] = [new Blob([await writeFileHead(manifest)])];
    // One blob per chunk, so that the browser may move each out of memory before the next is read.
    for await (const chunk of verifiedChunks(this.#database, { ...manifest, shelf: 'manifests' }, options))
      parts.push(new Blob([chunk]));
    return { fileName: checkpointFileName(manifest), file: new Blob(parts, { type: 'application/octet-stream' }) };
  }

  /**
   * Imports a file of {@link exportFile}. The checkpoint keeps its id, so that lineage holds, unless that id is already
   * here; then it becomes a copy with a new id. If the name is taken, a number is appended to it. Retention never
   * deletes it.
   *
   * @throws {LabError} `bad-file` if the file differs from what was exported, `storage-full` if the browser's
   *   storage is full, `aborted`
   */
  async importFile(file: Blob, options: LongOptions = {}): Promise<Manifest> {
    const { manifest: original, payload } = await readCheckpointFile(file);
    const id = (await this.#isTaken(original.id)) ? newId() : original.id;
    const whole = { source: payload, plan: original.chunks };
    return savePayload(this.#database, id, whole, options, async (transaction) => {
      const { checkpoints } = await readAll(transaction);
      const name = freeName(original.name, namesOf(checkpoints));
      const manifest = { ...original, id, name, isAutomatic: false };
      await transaction.objectStore('manifests').put(manifest);
      return manifest;
    });
  }

  /** Closes the connection; later calls throw. */
  close(): void {
    this.#database.close();
  }

  async #change(
    id: string,
    change: Partial<Pick<Manifest, 'name' | 'note'>>,
    check?: (transaction: WriteTransaction) => Promise<void>,
  ): Promise<Manifest> {
    return this.#database.write('change the checkpoint', ['manifests'], async (transaction) => {
      const manifest: Manifest = { ...(await readOne(transaction, id)), ...change, isAutomatic: false };
      await check?.(transaction);
      await transaction.objectStore('manifests').put(manifest);
      return manifest;
    });
  }

  async #isTaken(id: string): Promise<boolean> {
    return this.#database.read('look for the checkpoint', ['manifests', 'pending'], async (transaction) => {
      const [saved, pending] = await Promise.all([
        transaction.objectStore('manifests').count(id),
        transaction.objectStore('pending').count(id),
      ]);
      return saved + pending > 0;
    });
  }
}

async function readAll(transaction: AnyTransaction): Promise<CheckpointList> {
  const records = transaction.objectStore('manifests');
  const [ids, values] = await Promise.all([records.getAllKeys(), records.getAll()]);
  const checkpoints: Manifest[] = [];
  const damaged: { id: string; problem: string }[] = [];
  for (const [index, value] of values.entries()) {
    const manifest = readManifest(value);
    if (typeof manifest === 'string') damaged.push({ id: ids[index] ?? '', problem: manifest });
    else checkpoints.push(manifest);
  }
  return { checkpoints: checkpoints.toSorted(newestFirst), damaged };
}

async function readOne(transaction: AnyTransaction, id: string): Promise<Manifest> {
  const value: unknown = await transaction.objectStore('manifests').get(id);
  if (value === undefined) throw notFound(id);
  const manifest = readManifest(value);
  if (typeof manifest !== 'string') return manifest;
  throw new LabError('bad-checkpoint', {
    message: `The record of the checkpoint ${id} is damaged: ${manifest}.`,
    fix: 'Delete it, or import it again from an exported file.',
  });
}

function namesOf(checkpoints: readonly Manifest[]): ReadonlySet<string> {
  return new Set(checkpoints.map(({ name }) => name));
}

function checkSize(name: string, sizeBytes: number): void {
  if (sizeBytes > 0 && sizeBytes <= MAX_CHECKPOINT_BYTES) return;
  throw new LabError('bad-checkpoint', {
    message: `The checkpoint "${name}" cannot be saved.`,
    expected: `1 to ${MAX_CHECKPOINT_BYTES} bytes`,
    got: String(sizeBytes),
  });
}

function allocate({ name, sizeBytes }: Manifest): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(sizeBytes);
  } catch (cause) {
    throw new LabError('out-of-memory', {
      message: `The checkpoint "${name}" of ${sizeBytes} bytes does not fit into the memory of this tab.`,
      fix: 'Close other tabs or programs and try again.',
      cause,
    });
  }
}
