import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pollPatiently } from '../../../src/cli/patient-polling.ts';

/** A function like that of a native module: no source, and a `prototype`. */
function likeDawns(ask: () => void): () => void {
  return new Proxy(function () {}, { apply: ask });
}

afterEach(() => vi.useRealTimers());

describe('a GPU that is polled', () => {
  it('is polled at once at first, then after a growing share of the wait, and from the start for the next wait', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const queue: (() => void)[] = [];
    const slept: number[] = [];
    const scheduler = { setImmediate: ((next: () => void) => queue.push(next)) as unknown as typeof setImmediate };
    pollPatiently(scheduler, (ms) => slept.push(ms));
    const waitFor = (questions: number): void => {
      let asked = 0;
      const ask = likeDawns(() => {
        asked += 1;
        vi.advanceTimersByTime(1);
        if (asked < questions) scheduler.setImmediate(ask);
      });
      scheduler.setImmediate(ask);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
      expect(asked).toBe(questions);
    };

    waitFor(20);
    const growing = Array.from({ length: 16 }, (_, i) => (i + 1) / 16);
    expect(slept).toEqual([...growing, 1, 1, 1]);
    slept.length = 0;
    vi.advanceTimersByTime(500); // between two waits there is no polling
    waitFor(3);
    expect(slept).toEqual([1 / 16, 2 / 16]);
  });

  it('leaves everything else unchanged', async () => {
    const scheduler = { setImmediate };
    pollPatiently(scheduler, () => expect.fail('it slept'));
    const got = await new Promise<unknown[]>((resolve) => {
      scheduler.setImmediate((...args) => resolve(args), 'a', 2);
    });
    expect(got).toEqual(['a', 2]);
    await new Promise((resolve) => scheduler.setImmediate(resolve)); // its source is hidden as well
    await new Promise<void>((resolve) => scheduler.setImmediate(resolve.bind(null)));
    await expect(promisify(scheduler.setImmediate)('later')).resolves.toBe('later');
    clearImmediate(scheduler.setImmediate(() => expect.fail('it was cleared')));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('accepts anything from other callers, and reports non-functions as Node does', () => {
    const scheduler = { setImmediate };
    pollPatiently(scheduler);
    expect(() => scheduler.setImmediate('no function' as unknown as () => void)).toThrow(TypeError);
  });
});
