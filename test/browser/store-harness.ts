/**
 * The checkpoint store for tests: bundled, loaded into a page or a worker of a real browser, and used through
 * `globalThis.lab`. Besides the store it gives tests access to the raw database.
 */
import { deleteDB, openDB } from 'idb';
import { arraySource } from '../../src/checkpoint/byte-source.ts';
import type { DataToKeep } from '../../src/checkpoint/kept-data.ts';
import type { CheckpointInfoInput, Manifest } from '../../src/checkpoint/manifest.ts';
import { sha256Hex } from '../../src/checkpoint/sha256.ts';
import { askToPersist, readStorageSpace } from '../../src/checkpoint/storage-space.ts';
import { type CheckpointStore, openCheckpointStore } from '../../src/checkpoint/store.ts';
import { type Migration, MIGRATIONS } from '../../src/checkpoint/store-schema.ts';
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import { choicesInBrowser } from '../../src/gpu/choices-in-browser.ts';
import { choicesKeptFor, type KeptChoices, keepVariantChoices } from '../../src/gpu/kept-choices.ts';
import { dumpDatabase, restoreDatabase } from './database-dump.ts';

const MIB = 2 ** 20;

/** A manifest as a training run would give it. */
function describeRun(change: Partial<CheckpointInfoInput> = {}): CheckpointInfoInput {
  return {
    name: 'nano step 250',
    kind: 'sft',
    isAutomatic: true,
    runId: 'run-1',
    parentId: null,
    modelName: 'nano',
    worldHash: '3fa90c11',
    step: 250,
    configJson: '{"steps":1000}',
    ...change,
  };
}

/** A run as training would register it. */
const OPEN_RUN = {
  id: 'run-1',
  name: 'nano',
  kind: 'sft',
  configJson: '{}',
  totalSteps: 1000,
  startedAt: 5,
  dataHash: '',
};

/** Bytes that do not compress, so that their size on disk is their length. */
function randomBytes(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const rng = new Rng(seed);
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = rng.uint32();
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** An imported data set of a few bytes. */
async function someData(seed: number, sizeBytes = 64): Promise<DataToKeep> {
  const bytes = randomBytes(sizeBytes, seed);
  return { name: `file-${seed}.tsv`, sha256: await sha256Hex(bytes), bytes };
}

/** Whether two arrays hold the same bytes; quicker than carrying them out of the browser. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The failure of a promise in a form that can leave the browser; null if it did not fail. */
async function failureOf(promise: Promise<unknown>): Promise<{ code: string; message: string } | null> {
  try {
    await promise;
    return null;
  } catch (thrown) {
    if (thrown instanceof LabError) return { code: thrown.code, message: thrown.message };
    return { code: 'not a LabError', message: String(thrown) };
  }
}

/** A save that has written its first chunk and waits. */
interface HeldSave {
  readonly letGo: () => void;
  /** The outcome of the save. */
  readonly ended: ReturnType<typeof failureOf>;
}

/** Starts a save of two chunks that stops between them; resolves when it has stopped. */
async function holdSave(store: CheckpointStore, change: Partial<CheckpointInfoInput> = {}): Promise<HeldSave> {
  let letGo: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const payload = arraySource(randomBytes(10 * MIB, 8));
  const read = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (start > 0) await released;
    return payload.read(start, end);
  };
  return new Promise((resolve) => {
    const onProgress = (): void => resolve({ letGo, ended });
    const ended = failureOf(store.save(describeRun(change), { sizeBytes: payload.sizeBytes, read }, { onProgress }));
  });
}

/** A possible next version of the database: another index, and a change to every record. */
const nextMigration: Migration = async (_database, transaction) => {
  const manifests = transaction.objectStore('manifests');
  manifests.createIndex('by-world', 'worldHash');
  for await (const cursor of manifests) {
    await cursor.update({ ...(cursor.value as Manifest), note: 'migrated' });
  }
};

/** A next version that fails after it has changed something. */
const brokenMigration: Migration = async (database, transaction) => {
  await nextMigration(database, transaction);
  database.deleteObjectStore('chunks');
  throw new TypeError('the migration has a bug');
};

/** The keys of everything in the database. */
async function keysOf(name: string): Promise<{ manifests: number; pending: number; runs: number; chunks: string[] }> {
  const database = await openDB(name);
  const [manifests, pending, runs, chunks] = await Promise.all([
    database.count('manifests'),
    database.count('pending'),
    database.count('runs'),
    database.getAllKeys('chunks'),
  ]);
  database.close();
  return { manifests, pending, runs, chunks: chunks.map((key) => JSON.stringify(key)) };
}

/** Replaces a record by any value, or deletes it. */
async function tamper(
  name: string,
  storeName: string,
  key: IDBValidKey,
  change: (value: never) => unknown,
): Promise<void> {
  const database = await openDB(name);
  const transaction = database.transaction(storeName, 'readwrite');
  const changed = change((await transaction.store.get(key)) as never);
  if (changed === undefined) await transaction.store.delete(key);
  else await transaction.store.put(changed, transaction.store.keyPath === null ? key : undefined);
  await transaction.done;
  database.close();
}

/** Kept choices of kernel variants, of a device as it would be in this browser. */
function variantChoices(database: string) {
  const keeper = choicesInBrowser(database);
  keepVariantChoices(keeper);
  const kept = choicesKeptFor({ adapterInfo: { vendor: 'some' }, features: new Set() } as unknown as GPUDevice);
  return {
    load: async () => [...((await kept?.load()) ?? [])],
    save: async (choices: KeptChoices) => kept?.save(choices),
    overwrite: (value: unknown) => keeper.change(() => value),
  };
}

const harness = {
  variantChoices,
  MIB,
  OPEN_RUN,
  MIGRATIONS,
  nextMigration,
  brokenMigration,
  openCheckpointStore,
  readStorageSpace,
  askToPersist,
  arraySource,
  describeRun,
  holdSave,
  randomBytes,
  someData,
  areEqual,
  failureOf,
  keysOf,
  tamper,
  dumpDatabase,
  restoreDatabase,
  deleteDatabase: deleteDB,
};

declare global {
  // Only a `var` becomes a property of globalThis.
  var lab: typeof harness;
}
globalThis.lab = harness;
