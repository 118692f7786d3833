/**
 * A whole IndexedDB database as JSON, and back: how the fixtures of published versions are made and used. Byte arrays
 * become `{"$bytes": base64}`.
 */
import { openDB } from 'idb';

/** A database in plain values. */
export interface DatabaseDump {
  readonly version: number;
  readonly stores: readonly StoreDump[];
}

interface StoreDump {
  readonly name: string;
  readonly keyPath: string | null;
  readonly indexes: readonly { readonly name: string; readonly keyPath: string }[];
  readonly records: readonly { readonly key: unknown; readonly value: unknown }[];
}

export async function dumpDatabase(name: string): Promise<DatabaseDump> {
  const database = await openDB(name);
  const transaction = database.transaction([...database.objectStoreNames]);
  const stores = await Promise.all(
    [...database.objectStoreNames].map(async (storeName): Promise<StoreDump> => {
      const store = transaction.objectStore(storeName);
      const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
      return {
        name: storeName,
        keyPath: store.keyPath as string | null,
        indexes: [...store.indexNames].map((index) => ({ name: index, keyPath: store.index(index).keyPath as string })),
        records: keys.map((key, i) => ({ key, value: encode(values[i]) })),
      };
    }),
  );
  database.close();
  return { version: database.version, stores };
}

export async function restoreDatabase(name: string, { version, stores }: DatabaseDump): Promise<void> {
  const database = await openDB(name, version, {
    upgrade: (created) => {
      for (const { name: storeName, keyPath, indexes } of stores) {
        const store = created.createObjectStore(storeName, { keyPath });
        for (const index of indexes) store.createIndex(index.name, index.keyPath);
      }
    },
  });
  for (const { name: storeName, keyPath, records } of stores) {
    for (const { key, value } of records) {
      await database.put(storeName, decode(value), keyPath === null ? (key as IDBValidKey) : undefined);
    }
  }
  database.close();
}

function encode(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return { $bytes: btoa(String.fromCharCode(...value)) };
}

function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$bytes' in value)) return value;
  return Uint8Array.from(atob(String(value.$bytes)), (letter) => letter.charCodeAt(0));
}
