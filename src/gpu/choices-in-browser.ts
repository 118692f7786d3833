/** Choices of kernel variants in IndexedDB, for pages and workers of one origin. */
import { openDB } from 'idb';
import type { ChoiceKeeper } from './kept-choices.ts';

const DATABASE = 'afrl-lab-devices';
const STORE = 'values';
const KEY = 'variants';

/** Keeps choices in this origin's database, which is opened for each use, so that no tab holds up another. */
export function choicesInBrowser(database: string = DATABASE): ChoiceKeeper {
  const withStore = async <T>(work: (opened: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> => {
    const opened = await open(database);
    try {
      return await work(opened);
    } finally {
      opened.close();
    }
  };
  return {
    engine: navigator.userAgent,
    read: () => withStore(async (opened) => (await opened.get(STORE, KEY)) as unknown),
    change: (changed) =>
      withStore(async (opened) => {
        const transaction = opened.transaction(STORE, 'readwrite');
        await transaction.store.put(changed(await transaction.store.get(KEY)), KEY);
        await transaction.done;
      }),
  };
}

function open(database: string) {
  return openDB(database, 1, { upgrade: (opened) => void opened.createObjectStore(STORE) });
}
