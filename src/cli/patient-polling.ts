/**
 * Waiting for the GPU without a busy loop. Dawn's Node bindings have no thread that waits: while a promise of the GPU is
 * open they ask "done yet?" from `globalThis.setImmediate`, over and over, looked up on the global object each time. That
 * loop fills a processor, which a software adapter needs to compute what is waited for.
 *
 * So the question is asked less often the longer it has been asked: between two of them the thread sleeps for a
 * sixteenth of the wait so far, a millisecond at most. An answer of a hardware GPU comes at most that sixteenth later, and
 * long waits cost next to no processor time. Sleeping blocks the thread, so anything else waits a millisecond at most.
 *
 * Only Dawn's own calls are slowed down; all others, and what `setImmediate` gives back, are as they were.
 */

/** How long to sleep between two questions, as a share of the wait so far. */
const SHARE = 1 / 16;
const MOST_MS = 1;
/** Shorter sleeps would take longer than asked for. */
const LEAST_MS = 0.02;

/** Where timers live: the global object, or a stand-in. */
interface Scheduler {
  setImmediate: typeof setImmediate;
}

/**
 * Has Dawn ask patiently from now on; once per process, before a device is opened.
 *
 * @param scheduler - whose `setImmediate` is replaced
 * @param sleep - blocks the thread for so many milliseconds
 */
export function pollPatiently(scheduler: Scheduler = globalThis, sleep: (ms: number) => void = sleepMs): void {
  /** When Dawn began to ask without a break; it asks again from within its own callback. */
  let sinceMs = 0;
  let isAsking = false;
  const patiently = (ask: () => void): (() => void) => {
    if (!isAsking) sinceMs = performance.now();
    return () => {
      const ms = Math.min(MOST_MS, SHARE * (performance.now() - sinceMs));
      if (ms >= LEAST_MS) sleep(ms);
      isAsking = true;
      try {
        ask();
      } finally {
        isAsking = false;
      }
    };
  };
  // A proxy keeps what hangs on the function, such as its promisified form.
  scheduler.setImmediate = new Proxy(scheduler.setImmediate, {
    apply: (original, self, [callback, ...args]: [() => void, ...unknown[]]) =>
      Reflect.apply(original, self, [isNative(callback) ? patiently(callback) : callback, ...args]) as unknown,
  });
}

/**
 * Whether a function was made by a native module, as Dawn's are: without a source, and yet with a `prototype`, which
 * neither bound functions have nor those that resolve promises.
 */
function isNative(callback: unknown): boolean {
  return (
    typeof callback === 'function' &&
    Object.hasOwn(callback, 'prototype') &&
    Function.prototype.toString.call(callback).endsWith('{ [native code] }')
  );
}

function sleepMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
