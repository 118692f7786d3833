/**
 * Runs whose completions stand in another order: that each learns to write its own, where its label is read, what it takes
 * to get there, and that the recipe compares what is equal but for the order.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { heldOutPairs } from '../../../src/runs/grpo-task.ts';
import { measureOrder, timeToLabel } from '../../../src/studies/order-measure.ts';
import { ORDER_RECIPES, TOKENS_PER_PAIR } from '../../../src/studies/order-recipes.ts';
import { orderExamples, runOrder, worldOf } from '../../../src/studies/order-run.ts';
import { orderResult } from '../../../src/studies/recipe-results.ts';
import { trainWorldTokenizer } from '../../../src/runs/sft-experiment.ts';
import { SeedResultSchema } from '../../../src/protocol/experiment-results.ts';
import { type OrderExperiment, OrderExperimentSchema } from '../../../src/protocol/order-experiment.ts';
import { COMPLETION_ORDERS, type CompletionOrder, parseTrace } from '../../../src/relevance/trace/trace.ts';
import { useBackend } from '../../reference/backends.ts';

function experimentOf(order: CompletionOrder, sft: Record<string, unknown> = {}): OrderExperiment {
  return parseConfig('The run', OrderExperimentSchema, {
    preset: 'lab-nano',
    order,
    data: { kind: 'world', trainQueries: 40, devQueries: 4, testQueries: 2 },
    devPairs: 12,
    sft: { steps: 60, batchSize: 16, warmupSteps: 6, evaluateEvery: 30, ...sft },
  });
}

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
    expect(labels.answered).toBe(1); // sixty updates are enough for that
    expect(labels.tokensToLabel).toBe(tokens);
    expect(result.time).toEqual({ ms: 5, passes: tokens });
    expect(reasoning === null).toBe(order === 'label-only');
  });

  it('reason-first: the label is read after the reasoning, or after what there is of it', async () => {
    const order = 'reason-first';
    const told = await runOrder(experimentOf(order), {}, async (model, world) => {
      const pairs = heldOutPairs(world, 'test', 12);
      const measures = await measureOrder(model, order, pairs);
      return { measures, asAnswerFirst: await measureOrder(model, 'answer-first', pairs) };
    });
    const { measures, asAnswerFirst } = told.result;
    expect(measures.labels.tokensToLabel ?? 10).toBeGreaterThan(4); // a step has four tokens at least
    expect(asAnswerFirst.labels.answered).toBe(0);
    expect(measures.labels.accuracy).not.toBeNull();
    const time = { ms: 1.5, passes: 9 };
    const result = orderResult(3, told.curve, measures, time, told.tokens);
    expect(parseConfig('The result', SeedResultSchema, result)).toMatchObject({
      metrics: { accuracy: expect.any(Number) as number, msToLabel: 1.5, passesToLabel: 9 },
      tokens: { generated: 0, learned: 0, expert: told.tokens },
    });
  });

  it('learns the same pairs in all orders, each completion in its own', async () => {
    const made = await Promise.all(
      COMPLETION_ORDERS.map(async (order) => {
        const experiment = experimentOf(order);
        const world = worldOf(experiment);
        const tokenizer = trainWorldTokenizer(world, experiment, 512);
        return { order, world, tokenizer, examples: await orderExamples(experiment, world, tokenizer) };
      }),
    );
    const gold = [...(made[0]?.world.pairs('train') ?? [])];
    for (const { order, tokenizer, examples } of made) {
      expect(examples).toHaveLength(gold.length);
      const parsed = parseTrace(tokenizer.decode([...(examples[5]?.completion ?? [])]), 4, order);
      expect(parsed).toMatchObject({ ok: true, answer: gold[5]?.label });
      const steps = parsed.ok ? parsed.trace.steps : [];
      expect(steps).toEqual(order === 'label-only' ? [] : gold[5]?.goldTrace.steps);
    }
  });
});

describe.each(ORDER_RECIPES.map((recipe) => [recipe.id, recipe] as const))('%s', (_, recipe) => {
  const runs = recipe.arms.flatMap(({ run }) => (run.kind === 'order' ? [run.settings] : []));
  const experiments = runs.map((settings) => parseConfig('The arm', OrderExperimentSchema, settings));

  it('compares arms that it has, which differ in order, steps and the weight of the label alone', () => {
    const names = recipe.arms.map(({ name }) => name);
    for (const { arm, against } of recipe.comparisons) expect(names).toEqual(expect.arrayContaining([arm, against]));
    const common = experiments.map(({ order: _order, sft, ...rest }) => {
      const { steps: _steps, labelWeight: _weight, ...training } = sft;
      return { ...rest, training };
    });
    for (const settings of common) expect(settings).toEqual(common[0]);
  });

  it('has an arm of labels alone that reads as many tokens as one with traces', async () => {
    const lengthOf = async (order: 'answer-first' | 'label-only'): Promise<number> => {
      const experiment = experimentOf(order);
      const world = worldOf({ ...experiment, data: { ...experiment.data, trainQueries: 300 } as never });
      const examples = await orderExamples(experiment, world, trainWorldTokenizer(world, experiment, 512));
      return examples.reduce((sum, { prompt, completion }) => sum + prompt.length + completion.length - 1, 0) / examples.length; // prettier-ignore
    };
    for (const order of ['answer-first', 'label-only'] as const) {
      expect(Math.abs((await lengthOf(order)) / TOKENS_PER_PAIR[order] - 1)).toBeLessThan(0.02);
    }
    const [traces, labels] = experiments;
    const tokens = (each: OrderExperiment | undefined, perPair: number): number => (each?.sft.steps ?? 0) * perPair;
    const ratio = tokens(labels, TOKENS_PER_PAIR['label-only']) / tokens(traces, TOKENS_PER_PAIR['answer-first']);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.002);
  });
});
