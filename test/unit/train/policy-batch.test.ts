/** Samples as the rows of a batch, and prompts as samples come from them. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';
import { printTrace } from '../../../src/relevance/trace/trace.ts';
import { judgeGroups, policySamples } from '../../../src/train/groups.ts';
import { makePolicyBatches, policyTokens } from '../../../src/train/policy-batch.ts';
import { makeRlPrompts, rewardCompletion } from '../../../src/train/rollouts.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';
import { makeTask, TINY } from './grpo-runs.ts';

const task = makeTask();
const { tokenizer } = task;
const CONFIG = v.parse(GrpoConfigSchema, {});

describe('policyTokens', () => {
  beforeAll(() => useBackend('cpu'));

  it('lays the numbers of samples out row by row, with zeros in the padding', async () => {
    const goldIds = (prompt: number): number[] => tokenizer.encode(printTrace(at(task.prompts, prompt).gold));
    const written = [[0, goldIds(0)], [1, goldIds(1)], [0, goldIds(0).slice(0, 1)]] as const; // prettier-ignore
    const compared = written.map(([prompt, ids], i) => {
      const rollout = rewardCompletion(task, prompt, { ids, logProbs: ids.map(() => -1), isComplete: ids.length > 1 });
      const [old, ref] = [1, 2].map((which) => ids.map((_, t) => -which - i - t / 8));
      return { rollout, scores: { logProbs: old ?? [], entropies: ids }, refLogProbs: ref };
    });
    const samples = policySamples(CONFIG, judgeGroups(CONFIG, [compared]));
    const [batch] = makePolicyBatches(task, samples, 8);
    if (batch === undefined) throw new Error('no batch');
    const M = batch.batch.rows.length;
    const count = samples.reduce((sum, { weights }) => sum + weights.length, 0);
    expect(count).toBeLessThan(M);
    const inRows = (values: readonly number[]): number[] => [...values, ...Array<number>(M - values.length).fill(0)];

    const ofTargets = tf.mul<tf.Tensor1D>(tf.ones([M]), -3);
    const tokens = policyTokens(batch, ofTargets);
    const of = async (tensor: tf.Tensor): Promise<number[]> => [...(await tensor.data<'float32'>())];
    expectClose(await of(tokens.logProbs), inRows(Array<number>(count).fill(-3)), { absolute: 0 });
    expect(await of(tokens.oldLogProbs)).toEqual(inRows(samples.flatMap(({ oldLogProbs }) => oldLogProbs ?? [])));
    expect(await of(tokens.refLogProbs)).toEqual(inRows(samples.flatMap(({ refLogProbs }) => refLogProbs)));
    expectClose(await of(tokens.advantages), inRows(samples.flatMap(({ advantages }) => advantages)), {
      absolute: 1e-6,
    });
    expectClose(await of(tokens.weights), inRows(samples.flatMap(({ weights }) => weights)), { absolute: 1e-6 });
    const membership = samples.map((_, i) =>
      inRows(samples.flatMap(({ weights }, j) => weights.map(() => Number(i === j)))),
    );
    expect(await tokens.membership().array()).toEqual(membership);

    // An update that scores its rollouts itself begins at a ratio of 1.
    const unseen = { ...batch, samples: samples.map((sample) => ({ ...sample, oldLogProbs: null })) };
    expect(await of(policyTokens(unseen, ofTargets).oldLogProbs)).toEqual(await of(tokens.logProbs));
  });
});

describe('makeRlPrompts', () => {
  it('calls a prompt rare if any rule of its gold trace is', () => {
    const many = task.prompts.filter(({ gold }) => new Set(gold.steps.map(({ rule }) => rule)).size > 1);
    expect(many.length).toBeGreaterThan(0);
    const { prompt } = v.parse(SftExperimentSchema, {});
    for (const { pair, gold } of many) {
      for (const [rules, expected] of [
        [[at(gold.steps, 1).rule], true],
        [gold.steps.map(({ rule }) => rule), true],
        [[], false],
      ] as const) {
        const lab = { tokenizer, prompt, transformer: { config: TINY } };
        const [made] = makeRlPrompts(lab, [{ pair, trace: gold }], new Set(rules));
        expect(made).toMatchObject({ pair, gold, isTail: expected });
        expect(made?.example.prompt.length).toBeLessThan(TINY.maxPositions);
      }
    }
  });
});
