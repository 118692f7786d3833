/**
 * Yields to messages. A loop that only awaits settled promises never lets its thread handle a message, so it could not
 * be stopped; this yields one turn of the event loop.
 */
import { throwIfAborted } from './errors.ts';

/** Work of this length between two pauses is not noticed as a delay. */
const PAUSE_AFTER_MS = 50;

/**
 * The pauses of a long loop, awaited at each of its steps: once it has worked for a while, messages are handled.
 *
 * @throws {LabError} `aborted` after a pause, if the signal is
 */
export function pausesOf(signal: AbortSignal | undefined): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (performance.now() - sinceMs < PAUSE_AFTER_MS) return;
    await yieldToMessages();
    throwIfAborted(signal);
    sinceMs = performance.now();
  };
}

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
