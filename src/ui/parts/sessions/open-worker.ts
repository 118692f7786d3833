/**
 * The page's side of every worker. {@link openWorker} returns an object with the methods of the worker's interface and
 * hides the thread and comlink. Every message is parsed before it is used.
 *
 * This room holds the page's side of workers and of the sessions and checkpoints in them.
 */
import { proxy, transfer, wrap } from 'comlink';
import * as v from 'valibot';
import { untilReleased } from '../../../common/tab-locks.ts';
import { LabError } from '../../../common/errors.ts';
import { trustedScriptUrl } from './trusted-script-url.ts';

type Listener = (event: never) => void;
type EventFor<Heard> = Heard extends (event: infer Event) => void ? Event : never;
type EventOf<Args extends readonly unknown[]> = EventFor<Extract<Args[number], Listener>>;

/** How to call one method: the schema of its result, and of the events that it sends to a listener. */
type Call<Args extends readonly unknown[], Result> = ([Result] extends [void]
  ? { readonly result?: undefined }
  : { readonly result: v.GenericSchema<unknown, Result> }) &
  ([EventOf<Args>] extends [never]
    ? { readonly event?: undefined }
    : {
        readonly event: v.GenericSchema<unknown, EventOf<Args>>;
        /** An event in place of one that cannot be parsed; by default the call rejects. */
        readonly malformed?: (problem: string) => EventOf<Args>;
      }) & {
    /** Arguments to transfer instead of copy. */
    readonly gives?: (...args: Args) => Transferable[];
  };

/** How to call all methods of a worker's interface. */
export type Calls<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => Promise<infer Result>
    ? Call<Args, Result>
    : never;
};

/** A worker's interface, and the end of its thread. */
export type WorkerClient<Api> = Api & {
  /** Ends the thread and all its work. */
  close(): void;
  /** Resolves when a thread that holds state has broken, after which every call rejects. */
  readonly broken?: Promise<void>;
};

/** Options of a worker. */
export interface WorkerOptions {
  /** Its task, as in "The scoring worker". */
  readonly name: string;
  /**
   * Ends the thread after this time without calls; the next call starts another, as after a crash. Only for workers
   * that hold no state between calls. Default: never.
   */
  readonly idleMs?: number;
}

/** An untyped call; the types of {@link Calls} are checked where a client is made. */
interface AnyCall {
  readonly result?: v.GenericSchema | undefined;
  readonly event?: v.GenericSchema | undefined;
  readonly malformed?: (problem: string) => unknown;
  readonly gives?: (...args: unknown[]) => Transferable[];
}
type Remote = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;

interface Thread {
  readonly worker: Worker;
  readonly remote: Remote;
  /** Rejects when the worker breaks, because a script that cannot be fetched or parsed never answers. */
  readonly broken: Promise<never>;
}

/**
 * Starts a worker.
 *
 * @param url - the address of its script
 */
export function openWorker<Api extends object>(
  url: string,
  calls: Calls<Api>,
  { name, idleMs }: WorkerOptions,
): WorkerClient<Api> {
  let thread: Thread | undefined;
  let underWay = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let hasBroken: () => void = () => undefined;
  const brokenForGood = new Promise<void>((resolve) => (hasBroken = resolve));

  const close = (): void => {
    clearTimeout(rest);
    thread?.worker.terminate();
    thread = undefined;
  };
  const start = (): Thread => {
    // The name is that of a lock that the thread holds while it lives (workers/serve.ts), so no two threads share it.
    const lockName = `${name}/${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
    const worker = new Worker(trustedScriptUrl(url), { type: 'module', name: lockName });
    const broken = new Promise<never>((_, reject) => {
      worker.addEventListener('error', (event) => {
        const message = event.message || 'its script could not be loaded';
        reject(
          new LabError('internal', { message: `The ${name} worker failed: ${message}.`, fix: 'Reload the page.' }),
        );
        if (idleMs !== undefined) close();
      });
      // A thread that has sent anything holds its lock, because workers/serve.ts sends nothing before. If it ended
      // without an error, its calls would wait for ever.
      const watch = async (): Promise<void> => {
        await untilReleased(lockName);
        if (thread?.worker !== worker) return;
        reject(
          new LabError('internal', {
            message: `The ${name} worker ended without saying why, perhaps for want of memory.`,
            fix: 'What was saved is still there: continue from it, or reload the page.',
          }),
        );
        if (idleMs !== undefined) close();
      };
      worker.addEventListener('message', () => void watch().catch(() => undefined), { once: true });
    });
    broken.catch(() => {
      if (idleMs === undefined) hasBroken();
    });
    return { worker, remote: wrap(worker) as unknown as Remote, broken };
  };
  const ask = async (method: string, call: AnyCall, args: readonly unknown[]): Promise<unknown> => {
    clearTimeout(rest);
    thread ??= start();
    const { remote, broken } = thread;
    underWay += 1;
    try {
      let fail: (error: LabError) => void = () => undefined;
      const malformed = new Promise<never>((_, reject) => (fail = reject));
      const sent = args.map((arg) => (isListener(arg) ? proxy(listener(arg, call, fail)) : arg));
      const given = call.gives?.(...args) ?? [];
      if (given.length > 0) transfer(sent[0], given);
      const result = await Promise.race([remote[method]?.(...sent), broken, malformed]);
      return call.result === undefined ? undefined : v.parse(call.result, result);
    } finally {
      underWay -= 1;
      if (underWay === 0 && idleMs !== undefined) rest = setTimeout(close, idleMs);
    }
  };
  thread = start();
  const methods = Object.entries<AnyCall>(calls as Record<string, AnyCall>).map(([method, call]) => [
    method,
    (...args: unknown[]) => ask(method, call, args),
  ]);
  return { ...Object.fromEntries(methods), close, broken: brokenForGood } as WorkerClient<Api>;
}

/** Passes on parsed events; one that cannot be parsed becomes another event, or ends the call. */
function listener(
  emit: (event: unknown) => void,
  { event: schema = v.unknown(), malformed }: AnyCall,
  fail: (error: LabError) => void,
): (message: unknown) => void {
  return (message) => {
    const read = v.safeParse(schema, message);
    if (read.success) {
      emit(read.output);
      return;
    }
    const problems = read.issues.map((issue) => `${v.getDotPath(issue) ?? 'event'}: ${issue.message}`);
    const problem = `The worker sent a malformed event (${problems.join('; ')}).`;
    if (malformed === undefined) fail(new LabError('internal', { message: problem }));
    else emit(malformed(problem));
  };
}

function isListener(arg: unknown): arg is (event: unknown) => void {
  return typeof arg === 'function';
}
