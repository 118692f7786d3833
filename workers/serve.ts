/** How every worker of the page exposes its API. */
import { expose } from 'comlink';

/**
 * Exposes an API, and holds a lock with the name of this thread for as long as the thread lives: a thread can end
 * without a word, for want of memory or by a fault of the browser, and the page notices by the lock
 * (src/ui/parts/sessions/open-worker.ts).
 */
export function serve(api: object): void {
  // There are locks on secure pages only.
  const locks: LockManager | undefined = navigator.locks;
  const hold = (): Promise<never> => {
    // The page watches the lock from the first message on, and a call may take hours to answer.
    self.postMessage(null); // eslint-disable-line unicorn/require-post-message-target-origin -- a thread has none
    return new Promise(() => undefined);
  };
  if (self.name !== '') locks?.request(self.name, hold).catch(() => undefined);
  expose(api);
}
