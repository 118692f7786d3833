/**
 * Yields to messages. A loop that only awaits settled promises never lets its thread handle a message, so it could not
 * be stopped; this yields one turn of the event loop.
 */

/** Resolves after pending messages have been handled. It posts a message to itself, because timers are throttled. */
export function yieldToMessages(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
