/** What the store of the page holds, read in the page beside it, in one transaction. */
import type { Page } from 'playwright-core';

/** A snapshot of the store. */
export interface PageStore {
  /** Kinds of the runs that have not finished. */
  readonly unfinished: readonly string[];
  /** Views whose last session is recorded, with the hashes of the weights in which its runs ended. */
  readonly ended: Readonly<Record<string, readonly string[]>>;
  /** Names of the files of the Files view. */
  readonly files: readonly string[];
  /** How many pairs of each of them have a score. */
  readonly scored: readonly number[];
  /** The curves of all runs without what depends on the clock, in the order of their names. */
  readonly curves: readonly string[];
  /** Payloads that belong to nothing, and checkpoints that lack a part of theirs. */
  readonly broken: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;
const STORES = ['runs', 'records', 'judged', 'tracked', 'manifests', 'datasets', 'pending'] as const;

export async function readPageStore(page: Page): Promise<PageStore> {
  const { rows, chunkKeys } = await readRows(page);
  const { runs, records, judged, tracked, manifests, datasets, pending } = rows;
  const owners = new Set([...[...manifests, ...pending].map(({ id }) => id), ...datasets.map(({ sha256 }) => sha256)]);
  const chunks = new Set(chunkKeys.map(([id, i]) => `${id} ${i}`));
  const orphans = chunkKeys.filter(([id]) => !owners.has(id));
  const incomplete = manifests.filter(({ id, chunks: parts }) =>
    (parts as unknown[]).some((_, i) => !chunks.has(`${String(id)} ${i}`)),
  );
  const curves = tracked.map(({ name, state, step, curve }) => {
    const points = (curve as Row[]).map(({ step: at, measures, tokens }) => [at, measures, tokens]);
    return JSON.stringify([name, state, step, points]);
  });
  return {
    unfinished: runs.map(({ kind }) => String(kind)),
    ended: Object.fromEntries(records.map(({ view, events }) => [String(view), hashesIn(events as Row[])])),
    files: judged.map(({ name }) => String(name)),
    scored: judged.map(({ scored }) => Number(scored)),
    curves: curves.toSorted(),
    broken: [
      ...orphans.map(([id]) => `a part of ${id} belongs to nothing`),
      ...incomplete.map(({ name }) => `checkpoint ${String(name)} lacks a part`),
    ],
  };
}

function hashesIn(events: readonly Row[]): string[] {
  return events.flatMap(({ weightsHash }) => (typeof weightsHash === 'string' ? [weightsHash] : []));
}

interface Rows {
  readonly rows: Readonly<Record<(typeof STORES)[number], readonly Row[]>>;
  readonly chunkKeys: readonly (readonly [id: string, index: number])[];
}

/** All in one transaction. No function in it has a name, because the compiler would call a helper to set it. */
function readRows(page: Page): Promise<Rows> {
  return page.evaluate(async (stores) => {
    const read: Record<string, unknown[]> = Object.fromEntries(stores.map((name) => [name, []]));
    // Opening a database that is not there would make one.
    const isThere = (await indexedDB.databases()).some(({ name }) => name === 'afrl-lab');
    if (!isThere) return { rows: read, chunkKeys: [] } as unknown as Rows;
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('afrl-lab');
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('The store does not open.')));
    });
    const transaction = database.transaction([...stores, 'chunks'], 'readonly');
    const requests = stores.map((name) => transaction.objectStore(name).getAll());
    const keys = transaction.objectStore('chunks').getAllKeys();
    await new Promise((resolve, reject) => {
      transaction.addEventListener('complete', resolve);
      transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('The store cannot be read.')));
    });
    for (const [i, name] of stores.entries()) read[name] = requests[i]?.result ?? [];
    database.close();
    return { rows: read, chunkKeys: keys.result } as unknown as Rows;
  }, STORES);
}
