/**
 * Letting messages in. A loop that only awaits promises which are already settled never lets its thread handle a
 * message, so nobody could stop it; this gives one turn of the event loop away.
 */

/** Resolves after the messages that are waiting have been handled. A message to oneself, since timers are throttled. */
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
