/**
 * One connection to the store's database: opens it despite other tabs, and runs transactions that either complete or
 * throw a LabError.
 *
 * Tabs with different versions of the lab share the database. A newer tab has to migrate it, and waits until the older
 * ones close their connections. This connection closes at once on request; the next operation opens another one, so
 * that a run saves again after the data of the page was cleared, and reports it if the database is a newer one by then.
 * If another tab does not close its connection, opening fails after a while instead of waiting forever.
 */
import { type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import { LabError } from '../common/errors.ts';
import {
  errorName,
  migrationFailed,
  noDatabase,
  openFailure,
  requestFailure,
  storeBlocked,
  storeClosed,
} from './store-errors.ts';
import { migrate, type Migration, MIGRATIONS, type StoreSchema } from './store-schema.ts';

type StoreName = StoreNames<StoreSchema>;
export type ReadTransaction = IDBPTransaction<StoreSchema, StoreName[]>;
export type WriteTransaction = IDBPTransaction<StoreSchema, StoreName[], 'readwrite'>;

/** Tabs that can close their connections do so within moments. */
const BLOCKED_AFTER_MS = 4000;

export interface DatabaseOptions {
  /** The name of the database; one per origin and use. */
  readonly name: string;
  /** The steps to the current version; others than the default are for tests. */
  readonly migrations?: readonly Migration[] | undefined;
  /** How long to wait for another tab with an older version, in milliseconds. */
  readonly blockedAfterMs?: number | undefined;
}

/** An open database. */
export class StoreDatabase {
  readonly name: string;
  readonly #options: DatabaseOptions;
  /** The connection, or the one being opened; undefined after it was lost. */
  #connection: Promise<IDBPDatabase<StoreSchema>> | undefined;
  /** Why the last connection was lost. */
  #lost: LabError | undefined;
  #isClosed = false;

  private constructor(options: DatabaseOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /**
   * Opens the database and creates or migrates it if necessary.
   *
   * @throws {LabError} with a fix, if there is no database, another tab blocks it, or its version is newer
   */
  static async open(options: DatabaseOptions): Promise<StoreDatabase> {
    const database = new StoreDatabase(options);
    await database.#connected();
    return database;
  }

  /** The connection, opened again if the last one was lost. */
  async #connected(): Promise<IDBPDatabase<StoreSchema>> {
    if (this.#isClosed) throw this.#lost ?? storeClosed('this page closed it');
    this.#connection ??= this.#connect().catch((thrown: unknown) => {
      this.#connection = undefined;
      throw thrown;
    });
    return this.#connection;
  }

  async #connect(): Promise<IDBPDatabase<StoreSchema>> {
    const { name, migrations = MIGRATIONS, blockedAfterMs = BLOCKED_AFTER_MS } = this.#options;
    const version = migrations.length;
    let migrationProblem: LabError | undefined;
    let giveUp: (error: LabError) => void = () => undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const givenUp = new Promise<never>((_resolve, reject) => {
      giveUp = reject;
    });
    let opened: IDBPDatabase<StoreSchema> | undefined;
    const lose = (because: string): void => {
      if (opened === undefined) return;
      this.#lost = storeClosed(because);
      this.#connection = undefined;
      opened.close();
    };
    // An async function, because merely accessing the database throws where storage is forbidden.
    const open = async (): Promise<IDBPDatabase<StoreSchema>> => {
      const factory: IDBFactory | undefined = globalThis.indexedDB;
      if (factory === undefined) throw noDatabase();
      return openDB<StoreSchema>(name, version, {
        upgrade: (connection, fromVersion, _to, transaction) => {
          migrate(connection as never, transaction as never, fromVersion, migrations).catch((thrown: unknown) => {
            migrationProblem = migrationFailed(version, thrown);
            transaction.abort(); // rolls everything back
          });
        },
        blocked: () => {
          timer = setTimeout(() => giveUp(storeBlocked(version)), blockedAfterMs);
        },
        blocking: () => lose('another tab of the lab updated or deleted it'),
        terminated: () => lose('the browser closed it, or the data of this page was cleared'),
      });
    };
    const opening = open();
    try {
      opened = await Promise.race([opening, givenUp]);
      return opened;
    } catch (thrown) {
      // The request cannot be cancelled. If it still succeeds, its connection must not block others.
      opening.then((connection) => connection.close()).catch(() => undefined);
      throw migrationProblem ?? openFailure(thrown, version);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads in one transaction. `doing` completes the sentence "could not ...". */
  async read<T>(doing: string, stores: StoreName[], work: (transaction: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#transact(doing, 'readonly', stores, work);
  }

  /**
   * Writes in one transaction, which is on disk when this resolves and rolled back when it throws.
   *
   * @param work - may await only requests of the transaction
   */
  async write<T>(doing: string, stores: StoreName[], work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    return this.#transact(doing, 'readwrite', stores, work);
  }

  /** Closes the connection. Writes in progress still complete; later operations throw. */
  close(): void {
    this.#isClosed = true;
    this.#lost = storeClosed('this page closed it');
    void this.#connection?.then((connection) => connection.close()).catch(() => undefined);
    this.#connection = undefined;
  }

  async #transact<Mode extends 'readonly' | 'readwrite', T>(
    doing: string,
    mode: Mode,
    stores: StoreName[],
    work: (transaction: IDBPTransaction<StoreSchema, StoreName[], Mode>) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#connected();
    const lostBefore = this.#lost;
    let transaction: IDBPTransaction<StoreSchema, StoreName[], Mode> | undefined;
    try {
      // Strict durability for chunks too, because a power cut must not leave a manifest without chunks.
      transaction = connection.transaction(stores, mode, { durability: 'strict' });
      transaction.done.catch(() => undefined); // it is awaited below, perhaps after it failed
      const result = await work(transaction);
      await transaction.done;
      return result;
    } catch (thrown) {
      const reason = transaction === undefined ? thrown : await abortAfter(thrown, transaction);
      if (reason instanceof LabError) throw reason;
      // The connection was lost under way.
      throw this.#lost !== undefined && this.#lost !== lostBefore ? this.#lost : requestFailure(doing, mode, reason);
    }
  }
}

/** Ensures that a failed transaction is rolled back, and returns the reason of the failure. */
async function abortAfter(
  thrown: unknown,
  transaction: Pick<WriteTransaction, 'abort' | 'done' | 'error'>,
): Promise<unknown> {
  try {
    transaction.abort();
  } catch {
    // It has already ended.
  }
  await transaction.done.catch(() => undefined);
  // A request that fails because its transaction was aborted has no reason of its own; the transaction has it.
  return errorName(thrown) === 'AbortError' ? (transaction.error ?? thrown) : thrown;
}
