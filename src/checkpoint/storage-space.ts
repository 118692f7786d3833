/**
 * How much the browser stores for this page, and whether it promises to keep it. Without that promise a browser may drop
 * everything a page has stored when the disk fills up, and some do after weeks without a visit.
 *
 * All numbers come from the browser and are rough: some pad them, and some report a fixed allowance whatever the disk
 * holds, so that pages cannot recognise a visitor. They are to be shown, not relied on; only writing tells what fits.
 */

/** Space as the browser reports it; null where it does not say, as on pages that are not secure. */
export interface StorageSpace {
  /** Everything stored for this origin, checkpoints and all else. */
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
  /** Whether the browser has promised not to drop it. */
  readonly isPersistent: boolean | null;
}

/** StorageManager as it is in pages and in workers, where nobody can be asked; absent where the page is not secure. */
type Storage = Pick<StorageManager, 'estimate' | 'persisted'> & { persist?(): Promise<boolean> };

export async function readStorageSpace(): Promise<StorageSpace> {
  const storage = storageManager();
  if (storage === undefined) return { usedBytes: null, quotaBytes: null, isPersistent: null };
  const [{ usage, quota }, isPersistent] = await Promise.all([storage.estimate(), storage.persisted()]);
  return { usedBytes: usage ?? null, quotaBytes: quota ?? null, isPersistent };
}

/**
 * Asks the browser to keep what is stored; it may ask the person, so do it when they save or train, not when they come.
 *
 * @returns `unavailable` on a page that is not secure, and in a worker: only a page can ask
 */
export async function askToPersist(): Promise<'granted' | 'refused' | 'unavailable'> {
  const storage = storageManager();
  if (storage?.persist === undefined) return 'unavailable';
  return (await storage.persist()) ? 'granted' : 'refused';
}

function storageManager(): Storage | undefined {
  return globalThis.navigator?.storage;
}
