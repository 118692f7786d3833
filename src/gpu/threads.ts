/**
 * Whether tfjs-wasm can use threads. They share memory, which a browser gives only to a page that is cross-origin
 * isolated (served with COOP and COEP headers), and they are workers that a worker starts by plain URL, which its content
 * security policy may forbid. tfjs checks neither the policy nor whether its threads start, and waits for them for ever.
 * So a worker from a blob is tried first: where one starts, tfjs's do.
 */

/** True where a thread for WebAssembly would start. */
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
