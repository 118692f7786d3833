/**
 * Liveness of tabs. A lock of the Web Locks API belongs to one tab or worker, and the browser releases it when that
 * ends for any reason. So a record whose lock is not held was left behind by an interruption.
 *
 * The API exists on secure pages only. Without it nothing is known, and callers must handle that case.
 */

/** Runs `work` while holding the lock, if there are locks. */
export async function whileLocked<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = lockManager();
  return locks === undefined ? work() : locks.request<Promise<T>>(name, work);
}

/**
 * Takes a lock until the returned function is called or this tab or worker ends.
 *
 * @returns undefined if the lock is held elsewhere
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

/**
 * Resolves when the holder of a lock has released it or has ended; never if nobody holds the lock now, or there are no
 * locks.
 */
export async function untilReleased(name: string): Promise<void> {
  const held = await heldLocks();
  if (held?.has(name) !== true) return new Promise(() => undefined);
  await lockManager()?.request(name, () => undefined);
}

/** The locks held in this origin; undefined if there are no locks. */
export async function heldLocks(): Promise<ReadonlySet<string> | undefined> {
  const locks = lockManager();
  if (locks === undefined) return undefined;
  const { held = [] } = await locks.query();
  return new Set(held.flatMap(({ name }) => name ?? []));
}

function lockManager(): LockManager | undefined {
  return globalThis.navigator?.locks;
}
