/**
 * One connection to the store's database: opening it past whatever other tabs are doing, and transactions that either
 * happen completely or throw a LabError.
 *
 * Tabs of different versions of the lab meet here. A newer tab wants to migrate and has to wait until the older ones let
 * go: this connection lets go at once, and everything done with it afterwards says so. A tab that does not let go makes
 * opening fail after a while instead of waiting for ever.
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

/** Other tabs that can let go do so in a moment. */
const BLOCKED_AFTER_MS = 4000;

export interface DatabaseOptions {
  /** The name of the database; one per origin and use. */
  readonly name: string;
  /** How the database comes to its present form; others than the default are for tests. */
  readonly migrations?: readonly Migration[] | undefined;
  /** How long to wait for another tab that holds an older version, in milliseconds. */
  readonly blockedAfterMs?: number | undefined;
}

/** An open database. */
export class StoreDatabase {
  readonly name: string;
  readonly #connection: IDBPDatabase<StoreSchema>;
  #lost: LabError | undefined;

  private constructor(name: string, connection: IDBPDatabase<StoreSchema>) {
    this.name = name;
    this.#connection = connection;
  }

  /**
   * Opens the database, creating or migrating it where needed.
   *
   * @throws {LabError} saying what to do, if there is no database, another tab blocks it, or it is of a newer version
   */
  static async open(options: DatabaseOptions): Promise<StoreDatabase> {
    const { name, migrations = MIGRATIONS, blockedAfterMs = BLOCKED_AFTER_MS } = options;
    let database: StoreDatabase | undefined;
    const version = migrations.length;
    let migrationProblem: LabError | undefined;
    let giveUp: (error: LabError) => void = () => undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const givenUp = new Promise<never>((_resolve, reject) => {
      giveUp = reject;
    });
    // Asynchronous as a whole: where storing is forbidden, already asking for the database throws.
    const open = async (): Promise<IDBPDatabase<StoreSchema>> => {
      const factory: IDBFactory | undefined = globalThis.indexedDB;
      if (factory === undefined) throw noDatabase();
      return openDB<StoreSchema>(name, version, {
        upgrade: (connection, fromVersion, _to, transaction) => {
          migrate(connection as never, transaction as never, fromVersion, migrations).catch((thrown: unknown) => {
            migrationProblem = migrationFailed(version, thrown);
            transaction.abort(); // undoes all of it
          });
        },
        blocked: () => {
          timer = setTimeout(() => giveUp(storeBlocked(version)), blockedAfterMs);
        },
        blocking: () => database?.close('another tab of the lab updated or removed it'),
        terminated: () => database?.close('the browser took it away, or the data of this page was cleared'),
      });
    };
    const opening = open();
    try {
      database = new StoreDatabase(name, await Promise.race([opening, givenUp]));
      return database;
    } catch (thrown) {
      // The request cannot be taken back. Should it still succeed, its connection must not keep anyone else waiting.
      opening.then((connection) => connection.close()).catch(() => undefined);
      throw migrationProblem ?? openFailure(thrown, version);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads in one transaction; `doing` completes "could not ...". */
  async read<T>(doing: string, stores: StoreName[], work: (transaction: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#transact(doing, 'readonly', stores, work);
  }

  /**
   * Writes in one transaction, which has reached the disk when this resolves, and has not happened at all when it throws.
   *
   * @param work - may wait only for requests of the transaction
   */
  async write<T>(doing: string, stores: StoreName[], work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    return this.#transact(doing, 'readwrite', stores, work);
  }

  /**
   * Gives the connection up; what is being written is still written, and everything after that throws.
   *
   * @param because - who closed it, for the message
   */
  close(because = 'this page closed it'): void {
    this.#lost ??= storeClosed(because);
    this.#connection.close();
  }

  async #transact<Mode extends 'readonly' | 'readwrite', T>(
    doing: string,
    mode: Mode,
    stores: StoreName[],
    work: (transaction: IDBPTransaction<StoreSchema, StoreName[], Mode>) => Promise<T>,
  ): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    let transaction: IDBPTransaction<StoreSchema, StoreName[], Mode> | undefined;
    try {
      // Strict durability for chunks too, not for manifests only: a power cut must not leave a manifest without them.
      transaction = this.#connection.transaction(stores, mode, { durability: 'strict' });
      transaction.done.catch(() => undefined); // it is awaited below, perhaps after it has failed
      const result = await work(transaction);
      await transaction.done;
      return result;
    } catch (thrown) {
      const reason = transaction === undefined ? thrown : await abortAfter(thrown, transaction);
      throw reason instanceof LabError ? reason : (this.#lost ?? requestFailure(doing, mode, reason));
    }
  }
}

/** Makes sure that a failed transaction is undone, and finds what it failed of. */
async function abortAfter(
  thrown: unknown,
  transaction: Pick<WriteTransaction, 'abort' | 'done' | 'error'>,
): Promise<unknown> {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself.
  }
  await transaction.done.catch(() => undefined);
  // A request that fails because its transaction was aborted says only that; the transaction knows why.
  return errorName(thrown) === 'AbortError' ? (transaction.error ?? thrown) : thrown;
}
