/**
 * Checks whether tfjs-wasm can use threads. Threads share memory, which a browser allows only for a cross-origin
 * isolated page (served with COOP and COEP headers), and they are workers started from a plain URL by a worker, which
 * its content security policy may forbid. tfjs checks neither the policy nor whether its threads start, and waits for
 * them forever. So a worker from a blob is tried first: if it starts, those of tfjs do too.
 */

/** Whether a WebAssembly thread would start. */
export async function canUseThreads(): Promise<boolean> {
  // Node has no such flag, and tfjs-wasm has no threads there.
  const isIsolated = (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  return isIsolated && (await canStartBlobWorker());
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
