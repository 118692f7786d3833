/**
 * The storage that the browser uses for this page, and whether it is persistent. A browser may delete storage that is
 * not persistent when the disk fills up, and some do so after weeks without a visit.
 *
 * The browser's numbers are rough: some browsers pad them, and some report a fixed quota whatever the disk has, to
 * prevent fingerprinting. Show them, but do not rely on them; only writing shows what fits.
 */

/** Space as reported by the browser; null if unknown, as on pages that are not secure. */
export interface StorageSpace {
  /** Everything stored for this origin, not only checkpoints. */
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
  /** Whether the browser has promised not to delete it. */
  readonly isPersistent: boolean | null;
}

/** The StorageManager of pages and workers. `persist` is missing in workers; all of it on pages that are not secure. */
type Storage = Pick<StorageManager, 'estimate' | 'persisted'> & { persist?(): Promise<boolean> };

export async function readStorageSpace(): Promise<StorageSpace> {
  const storage = storageManager();
  if (storage === undefined) return { usedBytes: null, quotaBytes: null, isPersistent: null };
  const [{ usage, quota }, isPersistent] = await Promise.all([storage.estimate(), storage.persisted()]);
  return { usedBytes: usage ?? null, quotaBytes: quota ?? null, isPersistent };
}

/**
 * Asks the browser for persistent storage. It may prompt the user, so call it when they save or train, not on arrival.
 *
 * @returns `unavailable` on a page that is not secure and in a worker, because only a page can ask
 */
export async function askToPersist(): Promise<'granted' | 'refused' | 'unavailable'> {
  const storage = storageManager();
  if (storage?.persist === undefined) return 'unavailable';
  return (await storage.persist()) ? 'granted' : 'refused';
}

function storageManager(): Storage | undefined {
  return globalThis.navigator?.storage;
}
