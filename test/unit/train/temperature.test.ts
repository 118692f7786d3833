/**
 * At any temperature there is one policy: ratios, KL and entropies refer to the distribution that rollouts are drawn
 * from.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { type GrpoConfig, GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { sampleToken } from '../../../src/infer/sampler.ts';
import { disposeWeights, type TensorData } from '../../../src/model/weights.ts';
import { distribution } from '../../../src/ops/token-entropies.ts';
import { tokenKl } from '../../../src/ops/token-kl.ts';
import { makeTrainingBatch } from '../../../src/data/batches.ts';
import { judgeGroups, policySamples } from '../../../src/train/groups.ts';
import { anchorPass } from '../../../src/train/grpo-passes.ts';
import {
  batchScores,
  makePolicyBatches,
  policyTokens,
  scoredLogits,
  scoreRollouts,
} from '../../../src/train/policy-batch.ts';
import { drawRollouts, type Rollout } from '../../../src/train/rollouts.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { softmaxRow } from '../../reference/softmax-reference.ts';
import { at } from '../../reference/tensor64.ts';
import { loadModel, makeTask, pretrain, runGrpo } from './grpo-runs.ts';

const task = makeTask();
let start: ReadonlyMap<string, TensorData>;

beforeAll(async () => {
  await useBackend('wasm');
  start = await pretrain(task);
}, 120_000);

describe('a drawn token', () => {
  it.each([0.25, 0.7, 1, 3])('has its probability at temperature %d', (temperature) => {
    const logits = Float32Array.of(0.5, 2, -1, 1.5, 0, -3, 1, 2);
    const p = softmaxRow(Float64Array.from(logits, (logit) => logit / temperature));
    for (let row = 0; row < 40; row++) {
      for (const more of [{}, { topK: 4 }, { topP: 0.9 }]) {
        const { id, logProb } = sampleToken(logits, { temperature, seed: 5, ...more }, row, 0);
        expect(logProb).toBeCloseTo(Math.log(at(p, id)), 12);
      }
    }
  });
});

describe.each(['cpu', 'wasm'] as const)('the policy of a step on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  /** Four rollouts each of three prompts. */
  async function drawn(model: Transformer, config: GrpoConfig): Promise<Rollout[][]> {
    return drawRollouts(model, task, { config, prompts: [0, 5, 11], step: 0, round: 0 });
  }
  const configAt = (temperature: number): GrpoConfig =>
    v.parse(GrpoConfigSchema, { temperature, samples: 4, maxTokens: 12, innerEpochs: 2, sequencesPerPass: 5 });

  it.each([0.6, 1, 1.7])("is the sampler's distribution at temperature %d", async (temperature) => {
    const config = configAt(temperature);
    const model = loadModel(start);
    const rollouts = (await drawn(model, config)).flat();
    const scores = await scoreRollouts(model, task, rollouts, config);
    const sampled = rollouts.flatMap(({ completion }) => completion.logProbs);
    expectClose(
      scores.flatMap(({ logProbs }) => logProbs),
      sampled,
      { absolute: 5e-5 },
      'log-probabilities',
    );
    if (temperature !== 1) {
      const plain = await scoreRollouts(model, task, rollouts, { ...config, temperature: 1 });
      const [there, here] = [plain, scores].map((of) => of.flatMap(({ logProbs }) => logProbs));
      expect(Math.max(...(there ?? []).map((logProb, i) => Math.abs(logProb - at(here ?? [], i))))).toBeGreaterThan(
        0.05,
      );
    }
    disposeWeights(model.weights);
  });

  it.each([0.6, 1, 1.7])(
    'is left by ratios of exactly 1 in the first update at temperature %d',
    async (temperature) => {
      const config = configAt(temperature);
      const model = loadModel(start);
      const rollouts = await drawn(model, config);
      const scores = await scoreRollouts(model, task, rollouts.flat(), config);
      for (const isFirstLook of [false, true]) {
        let next = 0;
        const groups = judgeGroups(
          config,
          rollouts.map((group) =>
            group.map((rollout) => {
              const own = scores[next++] ?? null;
              return { rollout, scores: isFirstLook ? null : own, refLogProbs: undefined };
            }),
          ),
        );
        const batches = makePolicyBatches(task, policySamples(config, groups), config.sequencesPerPass);
        expect(batches.flatMap(({ samples }) => samples)).toHaveLength(rollouts.flat().length);
        for (const batch of batches) {
          const ratios = tf.tidy(() => {
            const tokens = policyTokens(batch, batchScores(model, batch.batch, temperature).logProbs);
            return tf.exp(tf.sub(tokens.logProbs, tokens.oldLogProbs));
          });
          expect(new Set(await ratios.data())).toEqual(new Set([1]));
          ratios.dispose();
        }
      }
      disposeWeights(model.weights);
    },
  );

  it('has the entropies of its own distribution', async () => {
    const config = configAt(2);
    const model = loadModel(start);
    const [rollout] = (await drawn(model, config)).flat();
    if (rollout === undefined) throw new Error('nothing was drawn');
    const prompt = at(task.prompts, rollout.prompt).example.prompt;
    const { ids } = rollout.completion;
    const batch = makeTrainingBatch([{ prompt, completion: Int32Array.from(ids) }]);
    const logits = await tf.tidy(() => scoredLogits(model, batch)).array();
    const entropies = logits
      .slice(0, ids.length)
      .map((row) =>
        softmaxRow(Float64Array.from(row, (logit) => logit / 2)).reduce((sum, p) => sum - p * Math.log(p), 0),
      );
    const [scored] = await scoreRollouts(model, task, [rollout], config);
    expectClose(scored?.entropies ?? [], entropies, { absolute: 5e-5 }, 'entropies');
    disposeWeights(model.weights);
  });

  it('scores rollouts together as one by one', async () => {
    const config = configAt(1.7);
    const model = loadModel(start);
    const rollouts = (await drawn(model, config)).flat().slice(0, 7); // passes of five
    const together = await scoreRollouts(model, task, rollouts, config);
    expect(together).toHaveLength(7);
    for (const [i, rollout] of rollouts.entries()) {
      const [alone] = await scoreRollouts(model, task, [rollout], config);
      for (const scores of ['logProbs', 'entropies'] as const) {
        expectClose(at(together, i)[scores], alone?.[scores] ?? [], { absolute: 5e-5 }, `${scores} of rollout ${i}`);
      }
    }
    disposeWeights(model.weights);
  });

  it('is compared on expert tokens with a reference of the same temperature', async () => {
    const [model, reference] = [loadModel(start), loadModel(await pretrain(task, 6))];
    const examples = task.prompts.slice(0, 3).map(({ example }) => example);
    const anchor = { reference, direction: 'reverse', temperature: 0.5 } as const;
    const loss = tf.tidy(() => anchorPass(model, anchor, examples).loss);
    const batch = makeTrainingBatch(examples);
    const expected = tf.tidy(() => {
      const at = (of: Transformer): tf.Tensor2D => distribution(tf.mul(scoredLogits(of, batch), 2)).logP;
      const isToken = tf.tensor1d(batch.weights);
      return tf.div(tf.sum(tf.mul(tokenKl(at(model), at(reference), 'reverse'), isToken)), tf.sum(isToken));
    });
    expectClose(await loss.data(), await expected.data(), { absolute: 1e-5, relative: 1e-4 }, 'KL');
    tf.dispose([loss, expected]);
    for (const { weights } of [model, reference]) disposeWeights(weights);
  }, 60_000);
});

describe('a run at another temperature than 1', () => {
  beforeAll(() => useBackend('wasm'));

  it('has no gap between sampler and trainer, and no KL to its own start', async () => {
    const reference = loadModel(start);
    const settings = { temperature: 1.6, innerEpochs: 2, steps: 1, kl: { kind: 'k3', beta: 0.1 } } as const;
    const { records } = await runGrpo(task, start, settings, 1, undefined, { reference });
    disposeWeights(reference.weights);
    expect(records[0]?.samplerGapNats).toBeLessThan(1e-4);
    expect(records[0]?.klNats).toBe(0);
  });
});
