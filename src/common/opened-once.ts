/**
 * Opening something at its first use, once; and again after a failure, which may have passed since: another tab may
 * have released the database.
 */

/** @param open - called at the first use, and at the first one after it failed */
export function openedOnce<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}
