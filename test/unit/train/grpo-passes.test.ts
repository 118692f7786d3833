/** The terms of L_RL on one batch, each against the sum of its token scores. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { Rng } from '../../../src/common/rng.ts';
import { GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { disposeWeights, initialWeights } from '../../../src/model/weights.ts';
import { judgeGroups, policySamples } from '../../../src/train/groups.ts';
import { policyPass } from '../../../src/train/grpo-passes.ts';
import { makePolicyBatches, scoreRollouts } from '../../../src/train/policy-batch.ts';
import { policyLoss } from '../../../src/train/policy-loss.ts';
import { drawRollouts } from '../../../src/train/rollouts.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';
import { type GrpoSettings, loadModel, makeTask, TINY } from './grpo-runs.ts';

describe('policyPass', () => {
  beforeAll(() => useBackend('wasm'));

  it('adds beta KL on rollouts, takes away the entropy bonus, and gives scores where they are not known', async () => {
    const task = makeTask();
    const [model, reference] = [3, 4].map((seed) => loadModel(initialWeights(TINY, new Rng(seed))));
    if (model === undefined || reference === undefined) throw new Error('two models');
    const config = v.parse(GrpoConfigSchema, { samples: 3, maxTokens: 6 });
    const drawn = await drawRollouts(model, task, { config, prompts: [0, 7], step: 0, round: 0 });
    const scores = await scoreRollouts(model, task, drawn.flat(), config);
    const byReference = await scoreRollouts(reference, task, drawn.flat(), config);
    const groups = drawn.map((group, p) =>
      group.map((rollout, g) => ({
        rollout,
        scores: at(scores, 3 * p + g),
        refLogProbs: at(byReference, 3 * p + g).logProbs,
      })),
    );
    const samples = policySamples(config, judgeGroups(config, groups));
    const [batch] = makePolicyBatches(task, samples, 64);
    if (batch === undefined) throw new Error('no batch');

    const lossOf = (settings: GrpoSettings): number => {
      const { kl, entropyBonus, temperature, loss } = v.parse(GrpoConfigSchema, settings);
      return tf.tidy(
        () => policyPass(model, { kl, entropyBonus, temperature }, policyLoss(loss), batch).loss.dataSync()[0] ?? NaN,
      );
    };
    const mean = (of: (gap: number, entropy: number) => number): number =>
      samples.reduce(
        (sum, { weights, refLogProbs }, i) =>
          weights.reduce((total, weight, t) => {
            const { logProbs, entropies } = at(scores, i);
            return total + weight * of(at(logProbs, t) - at(refLogProbs, t), at(entropies, t));
          }, sum),
        0,
      );
    const plain = lossOf({});
    const k2 = mean((gap) => gap ** 2 / 2);
    const k3 = mean((gap) => Math.exp(-gap) + gap - 1);
    expect(Math.abs(k2 - k3)).toBeGreaterThan(1e-4);
    for (const [settings, more] of [
      [{ kl: { kind: 'k2', beta: 0.5 } }, 0.5 * k2],
      [{ kl: { kind: 'k3', beta: 0.5 } }, 0.5 * k3],
      [{ kl: { kind: 'k2', beta: 0.5, on: 'expert' } }, 0],
      [{ kl: { kind: 'k1-reward', beta: 0.5 } }, 0],
      [{ entropyBonus: 0.1 }, -0.1 * mean((_, entropy) => entropy)],
    ] as const) {
      expectClose([lossOf(settings) - plain], [more], { absolute: 2e-5 }, JSON.stringify(settings));
    }

    const { kl, entropyBonus, temperature, loss } = config;
    const passOf = (oldLogProbs: null | undefined) => {
      const own = samples.map((sample) => (oldLogProbs === null ? { ...sample, oldLogProbs } : sample));
      return policyPass(model, { kl, entropyBonus, temperature }, policyLoss(loss), { ...batch, samples: own });
    };
    const [known, unknown] = [tf.tidy(() => passOf(undefined).scores), tf.tidy(() => passOf(null).scores)];
    expect(known).toBeUndefined();
    expect(unknown?.shape).toEqual([2 * batch.batch.rows.length]);
    tf.dispose(unknown ?? []);
    for (const { weights } of [model, reference]) disposeWeights(weights);
  });
});
