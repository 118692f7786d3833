/**
 * Interruption by the user: Ctrl-C and SIGTERM.
 */
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** One interruption can arrive as two signals, from the terminal and from the parent process. */
const SAME_STOP_MS = 300;

let current: { readonly controller: AbortController; readonly release: () => void } | undefined;

/**
 * A signal that aborts at Ctrl-C or SIGTERM. The command ends by itself after saving its state; a second interruption
 * ends the process at once.
 */
export function interruption(): AbortSignal {
  current ??= listen();
  return current.controller.signal;
}

/**
 * Runs a command that may be interrupted.
 *
 * @param signal - interrupts it as well
 */
export async function interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const abort = (): void => interruptionController().abort();
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort);
  try {
    return await work();
  } finally {
    signal?.removeEventListener('abort', abort);
    current?.release();
    current = undefined;
  }
}

function interruptionController(): AbortController {
  current ??= listen();
  return current.controller;
}

function listen(): NonNullable<typeof current> {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, stop);
  };
  const stop = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    setTimeout(release, SAME_STOP_MS).unref();
  };
  for (const name of SIGNALS) process.on(name, stop);
  return { controller, release };
}
