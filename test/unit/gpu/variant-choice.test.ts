import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Contest, VariantChoices } from '../../../src/gpu/variant-choice.ts';

/** A way to compute that takes a known time. */
interface Timed {
  readonly name: string;
  readonly ms: number;
  /** More in the first run, which compiles. */
  readonly firstMs?: number;
  /** What it computes; default the right thing. */
  readonly result?: number;
}

/** Choices on a device whose clock goes on by what variants take, and that counts their runs. */
function scripted(variants: readonly [Timed, ...Timed[]]) {
  let nowMs = 0;
  let waits = 0;
  const runs = new Map<string, number>();
  const choices = new VariantChoices(
    () => {
      waits += 1;
      return Promise.resolve();
    },
    () => nowMs,
  );
  const contest = (key: string): Contest<Timed> => ({
    key,
    variants,
    prepare: () => [tf.scalar(1)],
    compute: ({ name, ms, firstMs = 0, result = 1 }, [input]) => {
      const before = runs.get(name) ?? 0;
      runs.set(name, before + 1);
      nowMs += ms + (before === 0 ? firstMs : 0);
      return tf.mul(input ?? 0, result);
    },
  });
  return { choices, contest, runs, waits: () => waits };
}

describe('the choice between variants', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('takes the first until it has measured, then the fastest', async () => {
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

  it('measures a key once, and nothing where there is no choice', async () => {
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

    const alone = scripted([{ name: 'only', ms: 1 }]);
    expect(alone.choices.pick(alone.contest('a')).name).toBe('only');
    await alone.choices.measure();
    expect(alone.waits()).toBe(0);
  });

  it('does not go on with what is hopeless, and frees what it made', async () => {
    const { choices, contest, runs } = scripted([
      { name: 'good', ms: 0.01 },
      { name: 'hopeless', ms: 1 },
    ]);
    const before = tf.memory().numTensors;
    choices.pick(contest('a'));
    await choices.measure();
    expect(tf.memory().numTensors).toBe(before);
    expect(runs.get('hopeless')).toBe(2);
    expect(runs.get('good')).toBeGreaterThan(100);
  });

  it.each([1.0000001, NaN])('never takes a variant that computes something else: %s', async (result) => {
    const { choices, contest } = scripted([
      { name: 'plain', ms: 3 },
      { name: 'wrong', ms: 1, result },
      { name: 'good', ms: 2 },
    ]);
    choices.pick(contest('a'));
    await choices.measure();
    expect(choices.pick(contest('a')).name).toBe('good');
  });

  it('keeps what is pending if a measurement fails, so that the next may do it', async () => {
    let isBroken = true;
    const choices = new VariantChoices(() => (isBroken ? Promise.reject(new Error('lost')) : Promise.resolve()));
    const { contest } = scripted([
      { name: 'plain', ms: 1 },
      { name: 'good', ms: 1 },
    ]);
    const before = tf.memory().numTensors;
    choices.pick(contest('a'));
    await expect(choices.measure()).rejects.toThrow('lost');
    expect(tf.memory().numTensors).toBe(before);
    isBroken = false;
    await choices.measure();
    expect(choices.chosen.has('a')).toBe(true);
  });
});
