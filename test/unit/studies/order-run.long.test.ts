/**
 * Runs with another order of completions: each learns to write its own order, and the tests check where its label is
 * read and the cost of reaching it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { SeedResultSchema } from '../../../src/protocol/experiment-results.ts';
import { heldOutPairs } from '../../../src/runs/grpo-task.ts';
import { measureOrder, timeToLabel } from '../../../src/studies/order-measure.ts';
import { runOrder } from '../../../src/studies/order-run.ts';
import { orderResult } from '../../../src/studies/recipe-results.ts';
import { useBackend } from '../../reference/backends.ts';
import { experimentOf } from './some-order.ts';

describe('a run in an order of its own', () => {
  beforeAll(() => useBackend('wasm'));

  it.each([
    ['answer-first', 1],
    ['label-only', 1],
  ] as const)('%s: the label is the first token', async (order, tokens) => {
    const before = tf.memory().numTensors;
    const { curve, result } = await runOrder(experimentOf(order), {}, async (model, world) => {
      const pairs = heldOutPairs(world, 'test', 12);
      let clock = 0;
      const time = await timeToLabel(model, order, pairs.slice(0, 3), () => (clock += 5));
      return { measures: await measureOrder(model, order, pairs), time };
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(curve.map(({ step }) => step)).toEqual([30, 60]);
    const { labels, reasoning } = result.measures;
    expect(labels.answered).toBe(1); // sixty updates suffice
    expect(labels.tokensToLabel).toBe(tokens);
    expect(result.time).toEqual({ ms: 5, passes: tokens });
    expect(reasoning === null).toBe(order === 'label-only');
  });

  it('reason-first: the label is read after the reasoning, even if it is incomplete', async () => {
    const order = 'reason-first';
    const told = await runOrder(experimentOf(order, { steps: 240 }), {}, async (model, world) => {
      const pairs = heldOutPairs(world, 'test', 12);
      const measures = await measureOrder(model, order, pairs);
      return { measures, asAnswerFirst: await measureOrder(model, 'answer-first', pairs) };
    });
    const { measures, asAnswerFirst } = told.result;
    expect(measures.labels.tokensToLabel ?? 0).toBeGreaterThan(4); // a step has four tokens at least
    expect(asAnswerFirst.labels.answered).toBe(0);
    expect(measures.labels.accuracy).not.toBeNull();
    const time = { ms: 1.5, passes: 9 };
    const result = orderResult(3, told.curve, measures, time, told.tokens);
    expect(parseConfig('The result', SeedResultSchema, result)).toMatchObject({
      metrics: { accuracy: expect.any(Number) as number, msToLabel: 1.5, passesToLabel: 9 },
      tokens: { generated: 0, learned: 0, expert: told.tokens },
    });
  });
});
