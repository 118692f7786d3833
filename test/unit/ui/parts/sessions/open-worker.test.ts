/**
 * The guarantees of a worker's client, tested on a message channel: calls are typed and parsed, a crash ends every
 * pending call, and a worker without state ends when it is idle.
 */
import { expose } from 'comlink';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openWorker } from '../../../../../src/ui/parts/sessions/open-worker.ts';

interface Api {
  add(a: number, b: number): Promise<number>;
  count(to: number, emit: (n: number) => void): Promise<void>;
  take(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  hang(): Promise<void>;
}

/** The worker's behaviour, which a test may replace. */
let thread: Record<string, (...args: never[]) => unknown>;
let threads: FakeWorker[] = [];

class FakeWorker extends EventTarget {
  readonly #port: MessagePort;
  readonly #far: MessagePort;
  isEnded = false;

  constructor(
    readonly url: string,
    readonly options: { readonly name?: string } = {},
  ) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#far = port2;
    expose(thread, port2);
    port1.addEventListener('message', ({ data }: MessageEvent<unknown>) =>
      this.dispatchEvent(new MessageEvent('message', { data })),
    );
    port1.start();
    threads.push(this);
  }

  postMessage(message: unknown, given: Transferable[]): void {
    this.#port.postMessage(message, given);
  }

  terminate(): void {
    this.isEnded = true;
    this.#port.close();
    this.#far.close();
  }
}

/** Locks that others hold. */
class FakeLocks {
  readonly held = new Set<string>();
  readonly waiting = new Map<string, () => void>();

  query(): Promise<{ held: { name: string }[] }> {
    return Promise.resolve({ held: [...this.held].map((name) => ({ name })) });
  }

  async request(name: string, work: () => void): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.set(name, resolve));
    work();
  }

  release(name: string): void {
    this.held.delete(name);
    this.waiting.get(name)?.();
  }
}

const open = (idleMs?: number) =>
  openWorker<Api>(
    'thread.js',
    {
      add: { result: v.number() },
      count: { event: v.number(), malformed: () => -1 },
      take: { result: v.number(), gives: ({ buffer }) => [buffer] },
      hang: {},
    },
    { name: 'counting', ...(idleMs === undefined ? {} : { idleMs }) },
  );

beforeEach(() => {
  threads = [];
  thread = {
    add: (a: number, b: number) => a + b,
    count: async (to: number, emit: (n: number) => Promise<void>) => {
      for (let n = 1; n <= to; n++) await emit(n);
    },
    take: (bytes: Uint8Array) => bytes.length,
    hang: () => new Promise(() => undefined),
  };
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('document', { baseURI: 'http://here/lab/' });
  vi.stubGlobal('location', { origin: 'http://here' });
});
afterEach(() => {
  for (const each of threads) each.terminate();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a worker', () => {
  it('is called by its methods, and sends events to listeners', async () => {
    const client = open();
    expect(threads.map(({ url }) => url)).toEqual(['http://here/lab/thread.js']);
    expect(await client.add(2, 3)).toBe(5);
    const heard: number[] = [];
    await client.count(3, (n) => heard.push(n));
    expect(heard).toEqual([1, 2, 3]);
    client.close();
    expect(threads[0]?.isEnded).toBe(true);
  });

  it('receives transferred arguments, which are then detached here', async () => {
    const client = open();
    const bytes = new Uint8Array(8);
    expect(await client.take(bytes)).toBe(8);
    expect(bytes.byteLength).toBe(0);
  });

  it('is not trusted: results and events are parsed', async () => {
    thread['add'] = () => 'five';
    thread['count'] = async (_to: never, emit: (n: unknown) => Promise<void>) => emit('one');
    const client = open();
    await expect(client.add(2, 3)).rejects.toThrow(/number/u);
    const heard: number[] = [];
    await client.count(1, (n) => heard.push(n));
    expect(heard).toEqual([-1]);
  });

  it('passes errors on with their codes', async () => {
    thread['add'] = () => {
      throw Object.assign(new Error('no such number'), { name: 'not-found' });
    };
    await expect(open().add(1, 1)).rejects.toMatchObject({ name: 'not-found', message: 'no such number' });
  });

  it('that crashes ends every pending call, with the known reason', async () => {
    const client = open();
    const waiting = client.hang();
    threads[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'out of stack' }));
    await expect(waiting).rejects.toThrow('The counting worker failed: out of stack.');
    await expect(client.add(1, 1)).rejects.toThrow('The counting worker failed');
    expect(threads).toHaveLength(1);
  });

  it('that ends without a word ends its calls too, where there are locks', async () => {
    const locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks });
    const client = open();
    const name = threads[0]?.options.name ?? '';
    expect(open()).toBeDefined();
    expect(threads[1]?.options.name).not.toBe(name);
    locks.held.add(name); // as workers/serve.ts takes it
    const waiting = client.hang();
    // As workers/serve.ts does: the first call may never be answered.
    threads[0]?.dispatchEvent(new MessageEvent('message', { data: null }));
    await expect.poll(() => locks.waiting.has(name)).toBe(true);
    locks.release(name);
    await expect(waiting).rejects.toThrow(/counting worker ended without saying why.*What was saved is still there/u);
    await client.broken;
  });

  it('without state ends when idle, never during a call, and restarts at the next call', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = open(1000);
    const waiting = client.hang();
    expect(await client.add(1, 1)).toBe(2);
    vi.advanceTimersByTime(5000);
    expect(threads[0]?.isEnded).toBe(false);
    threads[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'gone' }));
    await expect(waiting).rejects.toThrow('gone');
    expect(await client.add(2, 2)).toBe(4);
    expect(threads).toHaveLength(2);
    vi.advanceTimersByTime(1001);
    expect(threads[1]?.isEnded).toBe(true);
    expect(await client.add(3, 3)).toBe(6);
    expect(threads).toHaveLength(3);
  });
});
