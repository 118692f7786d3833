/**
 * GRPO on one page: it is correct by itself (its gradient is that of its loss, and it learns), and the trainer computes
 * the same from the same weights and rollouts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { hash32, Rng } from '../../../src/common/rng.ts';
import { BatchOrder, type Example, makeTrainingBatch } from '../../../src/data/batches.ts';
import { disposeWeights, type TensorData } from '../../../src/model/weights.ts';
import { batchScores } from '../../../src/train/policy-batch.ts';
import {
  expertLoss,
  normalised,
  type Policy,
  policyLoss,
  type Reward,
  type Rollout,
  type Settings,
  type Task,
  tokenAdvantages,
  trainOnOnePage,
} from '../../../src/train/reference/grpo.ts';
import { rewardCompletion, type RlTask } from '../../../src/train/rollouts.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose, maxError } from '../../reference/expect-close.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import { softmaxRow } from '../../reference/softmax-reference.ts';
import { at } from '../../reference/tensor64.ts';
import { type GrpoSettings, loadModel, makeTask, pretrain, runGrpo, type RunOutcome } from './grpo-runs.ts';

const ADAM: Settings['adam'] = {
  learningRate: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  adamEps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};
const END = 3;

/** The simplest language model: a table of logits, one row per previous token. Four tokens; 3 ends. */
class Bigrams implements Policy {
  readonly weights: Float64Array;
  readonly decays = new Uint8Array(16);
  readonly #rng: Rng;

  constructor(seed: string, weights?: Float64Array) {
    this.#rng = new Rng(seed);
    this.weights = weights ?? Float64Array.from({ length: 16 }, () => 0.3 * this.#rng.normal());
  }

  sample(prompt: readonly number[]): number[] {
    const completion: number[] = [];
    while (completion.length < 6 && completion.at(-1) !== END) {
      completion.push(this.#rng.weighted([...this.#after(completion.at(-1) ?? at(prompt, prompt.length - 1))]));
    }
    return completion;
  }

  logProbs(prompt: readonly number[], completion: readonly number[]): number[] {
    const before = [at(prompt, prompt.length - 1), ...completion];
    return completion.map((token, t) => Math.log(at(this.#after(at(before, t)), token)));
  }

  gradient(prompt: readonly number[], completion: readonly number[], push: readonly number[]): Float64Array {
    const before = [at(prompt, prompt.length - 1), ...completion];
    const gradient = new Float64Array(16);
    for (const [t, token] of completion.entries()) {
      const row = 4 * at(before, t);
      for (const [next, p] of this.#after(at(before, t)).entries()) {
        gradient[row + next] = at(gradient, row + next) + at(push, t) * (Number(next === token) - p);
      }
    }
    return gradient;
  }

  #after(token: number): Float64Array {
    return softmaxRow(this.weights.subarray(4 * token, 4 * token + 4));
  }
}

/**
 * The label should repeat the prompt's last token; each further token is a step that cites it and is right if it is 2.
 */
function rewardOf(prompt: readonly number[], completion: readonly number[]): Reward {
  const cited = completion.slice(1).flatMap((rule, i) => (rule === END ? [] : [{ rule, start: i + 1, end: i + 2 }]));
  const steps = cited.map((step) => ({ ...step, value: Number(step.rule === 2) }));
  const right = steps.filter(({ value }) => value === 1).length;
  return {
    label: Number(completion[0] === prompt.at(-1)),
    reasoning: steps.length === 0 ? 0 : right / steps.length,
    isBroken: completion.at(-1) !== END,
    steps,
  };
}

describe('GRPO on one page', () => {
  it.each([1, 2, 3, 4])('has the gradient of its loss, clipped tokens and the KL included (seed %i)', (seed) => {
    const [old, start] = [new Bigrams(`old ${seed}`), new Bigrams(`start ${seed}`)];
    const rollouts = [0, 1, 2].flatMap((token) =>
      Array.from({ length: 4 }, (): Rollout => {
        const prompt = [token];
        const completion = old.sample(prompt);
        return {
          prompt,
          completion,
          reward: rewardOf(prompt, completion),
          oldLogProbs: old.logProbs(prompt, completion),
          refLogProbs: start.logProbs(prompt, completion),
        };
      }),
    );
    const advantages = [0, 4, 8].flatMap((first) => tokenAdvantages(rollouts.slice(first, first + 4)));
    const settings = { clip: 0.1, klBeta: 0.3 };
    // Moved since the rollouts were drawn, so that ratios lie on both sides of the clip.
    const moved = old.weights.map((weight, i) => weight + 0.2 * Math.sin(i + seed));
    const { gradient, clipFraction } = policyLoss(new Bigrams('', moved), rollouts, advantages, settings);
    expect(clipFraction).toBeGreaterThan(0);
    expect(clipFraction).toBeLessThan(1);
    const lossAt = (weights: Float64Array) => policyLoss(new Bigrams('', weights), rollouts, advantages, settings).loss;
    expectClose(gradient, finiteDifference(lossAt, moved), { absolute: 1e-8 }, 'gradient of L_RL');

    const expert = rollouts.slice(0, 5);
    const nllAt = (weights: Float64Array) => expertLoss(new Bigrams('', weights), expert).loss;
    const sft = expertLoss(new Bigrams('', moved), expert);
    expectClose(sft.gradient, finiteDifference(nllAt, moved), { absolute: 1e-8 }, 'gradient of L_SFT');
  });

  it('learns labels and steps from rewards alone', () => {
    const policy = new Bigrams('learner');
    const task: Task = { prompts: () => [[0], [1], [2]], expert: () => [], reward: rewardOf };
    const settings: Settings = {
      steps: 60,
      samples: 8,
      innerEpochs: 2,
      clip: 0.2,
      klBeta: 0,
      lambda: 0,
      adam: ADAM,
    };
    const records = trainOnOnePage(policy, new Bigrams('learner'), task, settings);
    const meanLabel = (part: typeof records) => {
      const labels = part.flatMap(({ groups }) => groups.flat().map(({ reward }) => reward.label));
      return labels.reduce((sum, label) => sum + label, 0) / labels.length;
    };
    expect(meanLabel(records.slice(0, 5))).toBeLessThan(0.5);
    expect(meanLabel(records.slice(-5))).toBeGreaterThan(0.8);
    // The policy has moved away from its start, and reports it.
    expect(at(records, 59).klNats).toBeGreaterThan(10 * at(records, 1).klNats);
  });

  it('gives no advantage where rewards do not differ, and unit deviation where they do', () => {
    expect(normalised([0.5, 0.5, 0.5])).toEqual([0, 0, 0]);
    expectClose(normalised([0, 1, 1, 0]), [-1, 1, 1, -1], { absolute: 1e-12 });
  });
});

/**
 * The lab's decoder, run by tfjs, behind the page's interface. Its weights there are float64, and are rounded when it
 * runs.
 */
class Decoder implements Policy {
  readonly weights: Float64Array;
  readonly decays: Uint8Array;
  readonly #model: ReturnType<typeof loadModel>;
  readonly #recorded: readonly (readonly number[])[];
  #next = 0;

  /** @param recorded - the completions to return in place of samples, in order */
  constructor(start: ReadonlyMap<string, TensorData>, recorded: readonly (readonly number[])[] = []) {
    const tensors = [...start.values()];
    this.weights = Float64Array.from(tensors.flatMap(({ data }) => [...data]));
    this.decays = Uint8Array.from(
      tensors.flatMap(({ data, shape }) => Array.from(data, () => Number(shape.length > 1))),
    );
    this.#model = loadModel(start);
    this.#recorded = recorded;
  }

  sample(): readonly number[] {
    return at(this.#recorded, this.#next++);
  }

  logProbs(prompt: readonly number[], completion: readonly number[]): number[] {
    this.#round();
    const values = tf.tidy(() => this.#ofTokens(prompt, completion).dataSync<'float32'>());
    return [...values.subarray(0, completion.length)];
  }

  gradient(prompt: readonly number[], completion: readonly number[], push: readonly number[]): Float64Array {
    this.#round();
    const variables = [...this.#model.weights.values()];
    const flat = tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const logProbs = this.#ofTokens(prompt, completion);
        const padded = tf.pad1d(tf.tensor1d([...push]), [0, logProbs.size - push.length]);
        return tf.sum<tf.Scalar>(tf.mul(padded, logProbs));
      }, variables);
      return tf.concat(variables.map((variable) => tf.reshape(grads[variable.name] ?? tf.zerosLike(variable), [-1])));
    });
    const gradient = Float64Array.from(flat.dataSync());
    flat.dispose();
    return gradient;
  }

  dispose(): void {
    disposeWeights(this.#model.weights);
  }

  #ofTokens(prompt: readonly number[], completion: readonly number[]): tf.Tensor1D {
    const example = { prompt: Int32Array.from(prompt), completion: Int32Array.from(completion) };
    return batchScores(this.#model, makeTrainingBatch([example])).logProbs;
  }

  #round(): void {
    let start = 0;
    for (const variable of this.#model.weights.values()) {
      const values = Float32Array.from(this.weights.subarray(start, start + variable.size));
      start += variable.size;
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    }
  }
}

/** The page's run on the prompts, rollouts and expert samples of a run of the trainer. */
function onThePage(
  task: RlTask,
  start: ReadonlyMap<string, TensorData>,
  run: RunOutcome,
  settings: Settings,
  seed: number,
) {
  const prompts = task.prompts.map(({ example }) => [...example.prompt]);
  const numbers = new Map<readonly number[], number>(prompts.map((prompt, i) => [prompt, i]));
  const examples = task.prompts.map(({ example }): Example => example);
  const order = new BatchOrder(
    examples.map(({ prompt, completion }) => prompt.length + completion.length),
    6,
    hash32(`expert ${seed}`),
  );
  const recorded = run.kept.flatMap(({ groups }) =>
    groups.flatMap(({ completions }) => completions.map(({ ids }) => ids)),
  );
  const policy = new Decoder(start, recorded);
  const frozen = new Decoder(start);
  const records = trainOnOnePage(
    policy,
    frozen,
    {
      prompts: (step) => at(run.kept, step).groups.map(({ prompt }) => at(prompts, prompt)),
      expert: (update) =>
        order.at(update).map((i) => {
          const { prompt, completion } = at(examples, i);
          return { prompt: [...prompt], completion: [...completion] };
        }),
      reward: (prompt, ids) => {
        const completion = { ids, logProbs: [], isComplete: true };
        const { reward, steps } = rewardCompletion(task, numbers.get(prompt) ?? -1, completion);
        return {
          label: reward.label.value,
          reasoning: reward.reasoning.value,
          isBroken: reward.rejected !== undefined,
          steps: reward.steps.map(({ rule, value }, i) => ({ rule, value, ...at(steps, i) })),
        };
      },
    },
    settings,
  );
  policy.dispose();
  frozen.dispose();
  return { policy, records };
}

describe('the trainer in its plain setting', () => {
  const task = makeTask();
  let start: ReadonlyMap<string, TensorData>;
  beforeAll(async () => {
    await useBackend('wasm');
    start = await pretrain(task);
  }, 120_000);

  it.each([
    { seed: 1, innerEpochs: 1, klBeta: 0, lambda: 0 },
    { seed: 2, innerEpochs: 1, klBeta: 0.1, lambda: 0.3 },
    { seed: 3, innerEpochs: 3, klBeta: 0.1, lambda: 0.3 },
    { seed: 4, innerEpochs: 2, klBeta: 0, lambda: 1 },
  ])('computes the numbers of the page: %o', async ({ seed, innerEpochs, klBeta, lambda }) => {
    const steps = 3;
    const clip = 0.05;
    // With an eps far below a weight's gradient, Adam would turn its rounding error into a full step.
    const adam = { ...ADAM, learningRate: 2e-3, adamEps: 1e-5, weightDecay: 0.1, maxGradNorm: 0.5 };
    const settings: GrpoSettings = {
      seed,
      steps,
      innerEpochs,
      loss: { kind: 'grpo', clipLow: clip, clipHigh: clip },
      kl: klBeta === 0 ? { kind: 'none' } : { kind: 'k3', beta: klBeta },
      balance: { kind: 'additive', lambda },
      probeExpertEvery: 1,
      keepEvery: 1,
      keepGroups: 3,
      ...adam,
    };
    const reference = loadModel(start);
    const run = await runGrpo(task, start, settings, steps, undefined, { reference });
    disposeWeights(reference.weights);
    const page = onThePage(task, start, run, { steps, samples: 4, innerEpochs, clip, klBeta, lambda, adam }, seed);

    expect([run.records.length, run.kept.length, page.records.length]).toEqual([steps, steps, steps]);
    for (const [step, said] of page.records.entries()) {
      const kept = at(run.kept, step).groups.flatMap(({ completions }) => completions);
      const { loss, gradient, klNats, clipFraction } = at(run.records, step);
      expectClose(
        said.advantages.flat(2),
        kept.flatMap(({ advantages }) => advantages),
        { absolute: 1e-12 },
        `advantages of step ${step}`,
      );
      expectClose(
        [said.policyLoss, said.expertLoss, said.klNats, said.clipFraction, said.cosine],
        [loss.policy, loss.expert, klNats, clipFraction, gradient.cosine].map((value) => value ?? NaN),
        { absolute: 1e-5 },
        `losses, divergence, clipped share and cosine of step ${step}`,
      );
      expectClose(
        [said.gradNorm, said.policyNorm, said.expertNorm],
        [gradient.norm, gradient.policyNorm, gradient.expertNorm].map((value) => value ?? NaN),
        { absolute: 1e-6, relative: 3e-5 }, // tfjs sums the squares of all weights in float32
        `norms of step ${step}`,
      );
    }
    expect(page.records.some(({ policyNorm }) => policyNorm > 0.01)).toBe(true);
    expect(page.records.some((said) => said.clipFraction > 0)).toBe(innerEpochs > 1);
    const first = [...start.values()].flatMap(({ data }) => [...data]);
    const trained = [...run.state.weights.values()].flatMap(({ data }) => [...data]);
    expectClose(page.policy.weights, trained, { absolute: 1e-5 }, 'weights');
    expect(maxError(first, trained)).toBeGreaterThan(1e-3);
  });
});

describe('docs/grpo.md', () => {
  it('links to the lines that it describes', () => {
    const lines = readFileSync('src/train/reference/grpo.ts', 'utf8').split('\n');
    const links = [...readFileSync('docs/grpo.md', 'utf8').matchAll(/\[`(\w+)`\]\(\S+grpo\.ts#L(\d+)\)/g)];
    expect(links.length).toBeGreaterThan(5);
    for (const [, name = '', line] of links) expect(lines[Number(line) - 1], `line ${line}`).toContain(name);
  });
});
