/**
 * The database of the store, and its migrations.
 *
 *     manifests  one small record per checkpoint            key: id           index: by-run (runId)
 *     chunks     the payloads, in pieces of at most 8 MiB   key: [id, index]
 *     pending    saves that have not finished               key: id
 *     runs       training runs that have not finished       key: id
 *     datasets   imported data that runs learn from         key: sha256; its chunks are under that id
 *     records    events of the last finished run of a view  key: view
 *     judged     files of pairs of the Files view           key: id
 *     tracked    records of all runs                        key: id
 *     completions  what runs have completed                 key: [id, step]
 *     judgedParts  their bytes, scores and corrections (judged-files.ts)  key: [id, kind, number, part]
 *
 * One invariant holds after every transaction: a chunk belongs to a manifest, a data set or a pending save. So nothing
 * half-written is ever listed, and the remains of an interrupted save can always be found and removed.
 *
 * A published version never changes. To change the database, append a migration, and commit a fixture of the version it
 * starts from (test/fixtures/store), because existing checkpoints must be migrated.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb';

/** The current schema. Values may come from other versions of this code, so they are `unknown` until parsed. */
export interface StoreSchema extends DBSchema {
  manifests: { key: string; value: unknown; indexes: { 'by-run': string } };
  chunks: { key: [id: string, index: number]; value: unknown };
  pending: { key: string; value: PendingSave };
  runs: { key: string; value: unknown };
  datasets: { key: string; value: unknown };
  records: { key: string; value: unknown };
  judged: { key: string; value: unknown };
  judgedParts: { key: [id: string, kind: string, number: number, part: number]; value: unknown };
  tracked: { key: string; value: unknown };
  completions: { key: [id: string, step: number]; value: unknown };
}

/** A save in progress. */
export interface PendingSave {
  readonly id: string;
  /** Time of the last write, in milliseconds since 1970. */
  readonly touchedAt: number;
}

/** A transaction that may change the schema. */
export type UpgradeTransaction = IDBPTransaction<unknown, string[], 'versionchange'>;

/**
 * One step from a version to the next. It sees the database in the schema of its time, hence `unknown`. It may await
 * only requests of its transaction, because the transaction ends while it awaits anything else.
 */
export type Migration = (database: IDBPDatabase, transaction: UpgradeTransaction) => void | Promise<void>;

/** All migrations in order; the version of the database is their number. */
export const MIGRATIONS: readonly Migration[] = [
  createStores,
  addDataSets,
  addRecords,
  addJudgedFiles,
  addTrackedRuns,
  addCompletions,
];

/** Migrates a database from its version to the latest. */
export async function migrate(
  database: IDBPDatabase,
  transaction: UpgradeTransaction,
  fromVersion: number,
  migrations: readonly Migration[],
): Promise<void> {
  for (const migration of migrations.slice(fromVersion)) await migration(database, transaction);
}

function createStores(database: IDBPDatabase): void {
  const manifests = database.createObjectStore('manifests', { keyPath: 'id' });
  manifests.createIndex('by-run', 'runId');
  database.createObjectStore('chunks');
  database.createObjectStore('pending', { keyPath: 'id' });
  database.createObjectStore('runs', { keyPath: 'id' });
}

/** Version 2: data sets, and runs with the hash of theirs. Older runs have none. */
async function addDataSets(database: IDBPDatabase, transaction: UpgradeTransaction): Promise<void> {
  database.createObjectStore('datasets', { keyPath: 'sha256' });
  for await (const cursor of transaction.objectStore('runs')) {
    const run: unknown = cursor.value;
    if (typeof run === 'object' && run !== null) await cursor.update({ ...run, dataHash: '' });
  }
}

/** Version 3: finished runs. */
function addRecords(database: IDBPDatabase): void {
  database.createObjectStore('records', { keyPath: 'view' });
}

/** Version 4: files of pairs that are judged here. */
function addJudgedFiles(database: IDBPDatabase): void {
  database.createObjectStore('judged', { keyPath: 'id' });
  database.createObjectStore('judgedParts');
}

/** Version 5: the records of all runs. */
function addTrackedRuns(database: IDBPDatabase): void {
  database.createObjectStore('tracked', { keyPath: 'id' });
}

/** Version 6: what runs have completed. */
function addCompletions(database: IDBPDatabase): void {
  database.createObjectStore('completions');
}
