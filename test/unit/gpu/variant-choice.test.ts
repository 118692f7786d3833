import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceChoices, KeptChoice } from '../../../src/gpu/kept-choices.ts';
import { type Contest, VariantChoices } from '../../../src/gpu/variant-choice.ts';

/** A variant that takes a known time. */
interface Timed {
  readonly name: string;
  readonly ms: number;
  /** Extra time of the first run, which compiles. */
  readonly firstMs?: number;
  /** The computed result. Default: the correct one. */
  readonly result?: number | 'refused';
}

/** Choices on a fake device, whose clock advances by the time of variants and which counts their runs. */
function scripted(variants: readonly [Timed, ...Timed[]], kept?: DeviceChoices, build = 'first build') {
  let nowMs = 0;
  let waits = 0;
  const runs = new Map<string, number>();
  const choices = new VariantChoices(
    {
      wait: () => {
        waits += 1;
        return Promise.resolve();
      },
      guard: (work) => work(),
      now: () => nowMs,
    },
    kept,
  );
  const contest = (key: string): Contest<Timed> => ({
    key,
    variants,
    source: ({ name }) => `${build} of ${name}`,
    prepare: () => [tf.scalar(1)],
    compute: ({ name, ms, firstMs = 0, result = 1 }, [input]) => {
      const before = runs.get(name) ?? 0;
      runs.set(name, before + 1);
      nowMs += ms + (before === 0 ? firstMs : 0);
      if (result === 'refused') throw new Error('refused');
      return [tf.mul(input ?? 0, result)];
    },
  });
  return { choices, contest, runs, waits: () => waits };
}

describe('the choice between variants', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('uses the first variant until it has measured, then the fastest', async () => {
    const { choices, contest } = scripted([
      { name: 'plain', ms: 3 },
      { name: 'good', ms: 2, firstMs: 1000 },
      { name: 'bad', ms: 5 },
    ]);
    expect(choices.pick(contest('a')).name).toBe('plain');
    await choices.measure();
    expect(choices.pick(contest('a')).name).toBe('good');
    expect(choices.pick(contest('b')).name, 'of another key').toBe('plain');
    expect([...choices.chosen]).toEqual([['a', 'good']]);
  });

  it('measures a key once, and nothing if there is a single variant', async () => {
    const { choices, contest, waits } = scripted([
      { name: 'plain', ms: 3 },
      { name: 'good', ms: 2 },
    ]);
    for (let i = 0; i < 3; i++) choices.pick(contest('a'));
    await choices.measure();
    const afterFirst = waits();
    choices.pick(contest('a'));
    await choices.measure();
    expect(waits()).toBe(afterFirst);

    const single = scripted([{ name: 'only', ms: 1 }]);
    expect(single.choices.pick(single.contest('a')).name).toBe('only');
    await single.choices.measure();
    expect(single.waits()).toBe(0);
  });

  it('stops timing a variant that is ruled out, and leaks no tensor', async () => {
    const { choices, contest, runs } = scripted([
      { name: 'good', ms: 0.01 },
      { name: 'slow', ms: 10 },
    ]);
    const before = tf.memory().numTensors;
    choices.pick(contest('a'));
    await choices.measure();
    expect(tf.memory().numTensors).toBe(before);
    expect(runs.get('slow')).toBe(2);
    expect(runs.get('good')).toBeGreaterThan(100);
  });

  it.each([1.0000001, NaN, 'refused'] as const)('never uses a variant with a different result: %s', async (result) => {
    const { choices, contest } = scripted([
      { name: 'plain', ms: 3 },
      { name: 'wrong', ms: 1, result },
      { name: 'good', ms: 2 },
    ]);
    choices.pick(contest('a'));
    await choices.measure();
    expect(choices.pick(contest('a')).name).toBe('good');
  });

  it('stops trying a variant that was ruled out twice for a kind of work', async () => {
    const { choices, contest, runs } = scripted([
      { name: 'good', ms: 2 },
      { name: 'slow', ms: 100 },
    ]);
    for (const key of ['kind a', 'kind b', 'kind c', 'other a']) choices.pick(contest(key));
    await choices.measure();
    expect(runs.get('slow')).toBe(2 * 3);
  });

  it('keeps the first variant if nothing can be timed', async () => {
    const choices = new VariantChoices({
      wait: () => Promise.reject(new Error('lost')),
      guard: (work) => work(),
      now: () => 0,
    });
    const { contest } = scripted([
      { name: 'plain', ms: 1 },
      { name: 'good', ms: 1 },
    ]);
    const before = tf.memory().numTensors;
    choices.pick(contest('a'));
    await choices.measure();
    expect(tf.memory().numTensors).toBe(before);
    expect(choices.pick(contest('a')).name).toBe('plain');
  });

  it('leaves the rest for later on abort', async () => {
    const { choices, contest, runs } = scripted([
      { name: 'plain', ms: 3 },
      { name: 'good', ms: 2 },
    ]);
    choices.pick(contest('a'));
    await choices.measure(AbortSignal.abort());
    expect(runs.size).toBe(0);
    await choices.measure();
    expect(choices.chosen.get('a')).toBe('good');
  });

  describe('where choices are kept', () => {
    const [plain, good] = [
      { name: 'plain', ms: 3 },
      { name: 'good', ms: 2 },
    ] as const;

    /** Choices in memory. */
    function memory(): DeviceChoices & { readonly kept: Map<string, KeptChoice> } {
      const kept = new Map<string, KeptChoice>();
      return {
        kept,
        load: () => Promise.resolve(new Map(kept)),
        save: (added) => {
          for (const [key, choice] of added) kept.set(key, choice);
          return Promise.resolve();
        },
      };
    }

    /** One load: picks a key, measures, and tells what was chosen after how many runs. */
    async function load(kept: DeviceChoices, variants: readonly [Timed, ...Timed[]], build?: string) {
      const { choices, contest, runs, waits } = scripted(variants, kept, build);
      choices.pick(contest('a'));
      await choices.measure();
      return { chosen: choices.pick(contest('a')).name, runs: Object.fromEntries(runs), waits: waits() };
    }

    it('times nothing on a second load, and runs the kept variant and the first once each', async () => {
      const kept = memory();
      expect((await load(kept, [plain, good])).chosen).toBe('good');
      // Faster now, but nobody looks.
      const second = await load(kept, [{ ...plain, ms: 1 }, good]);
      expect(second).toEqual({ chosen: 'good', runs: { plain: 1, good: 1 }, waits: 0 });
    });

    it('runs nothing at all where the first variant was the fastest', async () => {
      const kept = memory();
      await load(kept, [{ ...plain, ms: 1 }, good]);
      expect(await load(kept, [plain, good])).toEqual({ chosen: 'plain', runs: {}, waits: 0 });
    });

    it.each([1.0000001, NaN, 'refused'] as const)('drops a variant whose bits are others now: %s', async (result) => {
      const kept = memory();
      await load(kept, [plain, good]);
      expect((await load(kept, [plain, { ...good, result }])).chosen).toBe('plain');
      expect(kept.kept.get('a')?.variant).toBe('plain');
    });

    it('tries again if shaders have changed or there is another variant', async () => {
      const kept = memory();
      await load(kept, [plain, good]);
      expect((await load(kept, [{ ...plain, ms: 1 }, good], 'second build')).chosen).toBe('plain');
      expect((await load(kept, [plain, good, { name: 'new', ms: 0.5 }], 'second build')).chosen).toBe('new');
    });

    it('keeps no choice that could not be measured', async () => {
      const kept = memory();
      await load(kept, [{ ...plain, result: 'refused' }, good]);
      expect(kept.kept.size).toBe(0);
    });
  });
});
