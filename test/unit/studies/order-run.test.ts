/**
 * Runs with another order of completions: each learns from the same pairs, and the recipe compares arms that differ in
 * the order only.
 */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { ORDER_RECIPES, TOKENS_PER_PAIR } from '../../../src/studies/order-recipes.ts';
import { orderExamples, worldOf } from '../../../src/studies/order-run.ts';
import { trainWorldTokenizer } from '../../../src/runs/sft-experiment.ts';
import { type OrderExperiment, OrderExperimentSchema } from '../../../src/protocol/order-experiment.ts';
import { COMPLETION_ORDERS, parseTrace } from '../../../src/relevance/trace/trace.ts';
import { experimentOf } from './some-order.ts';

describe('a run in another order', () => {
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

  it('compares its arms, which differ only in order, steps and label weight', () => {
    const names = recipe.arms.map(({ name }) => name);
    expect(experiments.length).toBeGreaterThan(1);
    expect(recipe.comparisons.length).toBeGreaterThan(0);
    for (const { arm, against } of recipe.comparisons) expect(names).toEqual(expect.arrayContaining([arm, against]));
    const common = experiments.map(({ order: _order, sft, ...rest }) => {
      const { steps: _steps, labelWeight: _weight, ...training } = sft;
      return { ...rest, training };
    });
    for (const settings of common) expect(settings).toEqual(common[0]);
  });

  it('has an arm of labels alone with as many tokens as one with traces', async () => {
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
