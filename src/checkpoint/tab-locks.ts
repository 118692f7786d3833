/**
 * Who is still alive. A lock of the Web Locks API belongs to one tab or worker and is released by the browser when that
 * ends, however it ends; so a record whose lock nobody holds was left behind by something that was interrupted.
 *
 * The API exists on secure pages only. Without it nothing is known, and callers have to say what they do then.
 */

/** Runs `work` while holding the lock, where there are locks. */
export async function whileLocked<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = lockManager();
  return locks === undefined ? work() : locks.request<Promise<T>>(name, work);
}

/**
 * Takes a lock until the function that is returned is called or this tab or worker ends.
 *
 * @returns undefined if another holds it
 */
export async function tryLock(name: string): Promise<(() => void) | undefined> {
  const locks = lockManager();
  if (locks === undefined) return () => undefined;
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock !== null) return new Promise((release) => resolve(release));
      resolve(undefined);
      return undefined;
    };
    locks.request(name, { ifAvailable: true }, hold).catch(reject);
  });
}

/** The locks that are held by anyone of this origin; undefined where there are no locks. */
export async function heldLocks(): Promise<ReadonlySet<string> | undefined> {
  const locks = lockManager();
  if (locks === undefined) return undefined;
  const { held = [] } = await locks.query();
  return new Set(held.flatMap(({ name }) => name ?? []));
}

function lockManager(): LockManager | undefined {
  return globalThis.navigator?.locks;
}
