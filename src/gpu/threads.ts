/**
 * Checks whether tfjs-wasm can use threads. Threads share memory, which a browser allows only for a cross-origin
 * isolated page (served with COOP and COEP headers), and they are workers started from a plain URL by a worker, which
 * its content security policy may forbid. tfjs checks neither the policy nor whether its threads start, and waits for
 * them forever. So a worker from a blob is tried first: if it starts, those of tfjs do too.
 */

/** Threads that have not started by then may never do. Where the machine was only busy, the model runs without them. */
const START_WITHIN_MS = 15_000;

/** Whether a WebAssembly thread would start. */
export async function canUseThreads(): Promise<boolean> {
  // Node has no such flag, and tfjs-wasm has no threads there.
  const isIsolated = (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  return isIsolated && !isFirefox() && (await hasStarted(canStartBlobWorker()));
}

/**
 * On a busy machine Firefox 153 starts four to six of tfjs's eight threads, and the thread that waits for them answers
 * nothing any more, so that no time limit helps.
 */
function isFirefox(): boolean {
  return /\bFirefox\//u.test(navigator.userAgent);
}

/**
 * Whether something has started, within the time in which threads do.
 *
 * @param starting - resolves to whether it has started
 */
export async function hasStarted(starting: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), START_WITHIN_MS);
  });
  try {
    return await Promise.race([starting, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function canStartBlobWorker(): Promise<boolean> {
  const url = URL.createObjectURL(new Blob(['postMessage(0)'], { type: 'text/javascript' }));
  let worker: Worker | undefined;
  try {
    const started = new Worker(url);
    worker = started;
    return await new Promise((resolve) => {
      started.addEventListener('message', () => resolve(true), { once: true });
      started.addEventListener('error', () => resolve(false), { once: true });
    });
  } catch {
    return false; // forbidden by a policy
  } finally {
    worker?.terminate();
    URL.revokeObjectURL(url);
  }
}
