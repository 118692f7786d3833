/**
 * Waits for the GPU without a busy loop. Dawn's Node bindings have no waiting thread: while a GPU promise is pending,
 * they poll from `globalThis.setImmediate` in a loop, looked up on the global object each time. The loop occupies a
 * processor, which a software adapter needs for the very computation that is awaited.
 *
 * Polls therefore become rarer the longer the wait lasts: between two polls the thread sleeps for a sixteenth of the
 * wait so far, at most a millisecond. A hardware GPU's result is delayed by at most that sixteenth, and long waits cost
 * almost no processor time. Sleeping blocks the thread, so other work is delayed by at most a millisecond.
 *
 * Only Dawn's own calls are slowed down; all others, and the return values of `setImmediate`, are unchanged.
 */

/** The sleep between two polls, as a share of the wait so far. */
const SHARE = 1 / 16;
const MOST_MS = 1;
/** Shorter sleeps take longer than requested. */
const LEAST_MS = 0.02;

/** The object that has the timers: the global object, or a stand-in for tests. */
interface Scheduler {
  setImmediate: typeof setImmediate;
}

/**
 * Makes Dawn poll patiently from now on; called once per process, before a device is opened.
 *
 * @param scheduler - the object whose `setImmediate` is replaced
 * @param sleep - blocks the thread for a number of milliseconds
 */
export function pollPatiently(scheduler: Scheduler = globalThis, sleep: (ms: number) => void = sleepMs): void {
  /** When Dawn began to poll without a break; it polls again from within its own callback. */
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
  // A proxy preserves the properties of the function, such as its promisified form.
  scheduler.setImmediate = new Proxy(scheduler.setImmediate, {
    apply: (original, self, [callback, ...args]: [() => void, ...unknown[]]) =>
      Reflect.apply(original, self, [isNative(callback) ? patiently(callback) : callback, ...args]) as unknown,
  });
}

/**
 * Whether a function was made by a native module, as Dawn's are: it has no source but a `prototype`, which bound
 * functions and the functions that resolve promises lack.
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
