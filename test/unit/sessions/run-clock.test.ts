/** The speed of a run, by a simulated clock. */
import { describe, expect, it } from 'vitest';
import { RunClock } from '../../../src/sessions/run-clock.ts';

describe('a run clock', () => {
  it('knows no speed before the first update', () => {
    expect(new RunClock(() => 5, 0, 0).speedAt(0, 0)).toEqual({ stepMs: null, tokensPerSec: null });
  });

  it('measures steps and tokens since the last entry, from where a run was resumed', () => {
    let ms = 1000;
    const clock = new RunClock(() => ms, 100, 5000);
    ms += 200;
    expect(clock.speedAt(110, 6000)).toEqual({ stepMs: 20, tokensPerSec: 5000 });
  });

  it('excludes work other than training, nested work once', async () => {
    let ms = 0;
    const clock = new RunClock(() => ms, 0, 0);
    ms += 10;
    const told = await clock.exclude(async () => {
      ms += 500;
      await clock.exclude(async () => {
        await Promise.resolve();
        ms += 300;
      });
      return 'done';
    });
    ms += 10;
    expect(told).toBe('done');
    expect(clock.speedAt(2, 100).stepMs).toBe(10);
  });

  it('excludes it even when it fails', async () => {
    let ms = 0;
    const clock = new RunClock(() => ms, 0, 0);
    const failing = clock.exclude(async () => {
      await Promise.resolve();
      ms += 500;
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    ms += 30;
    expect(clock.speedAt(3, 0).stepMs).toBe(10);
  });

  it('is not misled by one long sleep', () => {
    let ms = 0;
    const clock = new RunClock(() => ms, 0, 0);
    let last = clock.speedAt(0, 0);
    for (let step = 1; step <= 7; step++) {
      ms += step === 4 ? 8 * 3600 * 1000 : 12;
      last = clock.speedAt(step, 60 * step);
    }
    expect(last).toEqual({ stepMs: 12, tokensPerSec: 5000 });
  });

  it('follows a lasting change', () => {
    let ms = 0;
    const clock = new RunClock(() => ms, 0, 0);
    let last = clock.speedAt(0, 0);
    for (let step = 1; step <= 30; step++) {
      ms += step <= 15 ? 12 : 40;
      last = clock.speedAt(step, step);
    }
    expect(last.stepMs).toBe(40);
  });
});
