/**
 * The work on plain TensorFlow.js, in a straightforward implementation of GRPO: all completions of a step are decoded
 * together from a cache, scored by a forward pass, and learned in one backward pass together with the expert's samples,
 * with tfjs's Adam. Rewards and advantages are plain numbers from the lab's functions; all tensor code is separate.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import { hash32 } from '../../src/common/rng.ts';
import { BatchOrder, type Example } from '../../src/data/batches.ts';
import { EOS } from '../../src/relevance/pair/vocabulary.ts';
import { judgeGroups, policySamples, type ScoredRollout } from '../../src/train/groups.ts';
import { rewardCompletion, type Rollout } from '../../src/train/rollouts.ts';
import type { NamedBackend } from './backend-pair.ts';
import type { GrpoPeer, GrpoPeerStep } from './grpo-peer.ts';
import type { GrpoWork } from './grpo-work.ts';
import { maskOf, oneHot, plainForward, plainLogits, plainWeights } from './plain-decoder.ts';
import { decodePlain, plainTokens } from './plain-decoding.ts';

type Weights = ReadonlyMap<string, tf.Variable>;

/** Hidden states of sequences, starting at the last token of the shortest prompt, and the scored ones among them. */
interface Scored {
  /** `[B*W,C]` */
  readonly hidden: tf.Tensor2D;
  /** The next token at each place; 0 where no token is scored. */
  readonly targets: Int32Array;
  /** The scored places, sequence by sequence. */
  readonly places: readonly number[];
}

/** Loads a work onto a tfjs backend. */
export async function openGrpoPlain(work: GrpoWork, { name: backend, device }: NamedBackend): Promise<GrpoPeer> {
  await tf.setBackend(backend);
  const weights = plainWeights(work.weights);
  const { learningRate, beta1, beta2, adamEps, expertBatch, seed } = work.config;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, adamEps);
  const lengths = work.expert.map(({ prompt, completion }) => prompt.length + completion.length);
  const expertOrder = new BatchOrder(lengths, expertBatch, hash32(`expert ${seed}`));
  let step = 0;
  return {
    name: 'tfjs',
    device,
    step: async () => {
      await tf.setBackend(backend);
      const result = await makeStep(work, weights, optimizer, expertOrder.at(step), step);
      step += 1;
      return result;
    },
    dispose: async () => {
      await tf.setBackend(backend);
      optimizer.dispose();
      tf.dispose([...weights.values()]);
    },
  };
}

async function makeStep(
  work: GrpoWork,
  weights: Weights,
  optimizer: tf.AdamOptimizer,
  expertIndices: readonly number[],
  step: number,
): Promise<GrpoPeerStep> {
  const { task, config } = work;
  const groups = work.sampled[step];
  if (groups === undefined) throw new LabError('internal', { message: `The work has no step ${step}.` });
  const startMs = performance.now();
  const sequences = groups.flatMap(({ prompt, completions }) =>
    completions.map(({ ids }) => ({ prompt: task.prompts[prompt]?.example.prompt ?? new Int32Array(), ids })),
  );
  const sampler = { temperature: config.temperature, seed: hash32(`rollouts ${config.seed}/${step}/0`) };
  const { logProbs: drawn, agreedDraws } = await decodePlain(work.model, weights, sequences, sampler);
  let next = 0;
  const rollouts = groups.map(({ prompt, completions }): Rollout[] =>
    completions.map(({ ids }) => {
      const isComplete = ids.at(-1) === task.tokenizer.idOf(EOS);
      return rewardCompletion(task, prompt, { ids, logProbs: drawn[next++] ?? [], isComplete });
    }),
  );
  const sampledMs = performance.now();

  const examples = sequences.map(({ prompt, ids }): Example => ({ prompt, completion: Int32Array.from(ids) }));
  const old = await score(work, weights, examples);
  next = 0;
  let start = 0;
  const scored = rollouts.map((group) =>
    group.map((rollout): ScoredRollout => {
      const end = start + rollout.completion.ids.length;
      const scores = { logProbs: old.logProbs.slice(start, end), entropies: old.entropies.slice(start, end) };
      start = end;
      return { rollout, scores, refLogProbs: undefined };
    }),
  );
  const samples = policySamples(config, judgeGroups(config, scored));
  const scoredMs = performance.now();

  const experts = expertIndices.flatMap((index) => work.expert[index] ?? []);
  const learned = await update(work, weights, optimizer, { examples, samples, experts });
  const updatedMs = performance.now();

  const entropies = scored.flat().map(({ scores }) => scores?.entropies ?? []);
  return {
    times: { rolloutMs: sampledMs - startMs, scoreMs: scoredMs - sampledMs, updateMs: updatedMs - scoredMs },
    tokens: {
      generated: sequences.reduce((sum, { ids }) => sum + ids.length, 0),
      learned: inputTokens(examples),
      expert: inputTokens(experts),
    },
    values: {
      ...learned,
      labelEntropyNats: mean(entropies.flatMap((each) => each.slice(0, 1))),
      reasoningEntropyNats: mean(entropies.flatMap((each) => each.slice(1))),
    },
    agreedDraws,
  };
}

/** Log-probabilities and entropies of all completion tokens, concatenated. */
async function score(
  { model }: GrpoWork,
  weights: Weights,
  examples: readonly Example[],
): Promise<{ logProbs: number[]; entropies: number[] }> {
  const { places } = layOut(examples);
  const scored = tf.tidy(() => {
    const { hidden, targets } = readSequences(model, weights, examples);
    const { all, ofTargets } = logProbsOf(model, weights, hidden, targets);
    return { logProbs: ofTargets, entropies: tf.neg(tf.sum(tf.mul(tf.exp(all), all), -1)) };
  });
  const [logProbs, entropies] = [await scored.logProbs.data(), await scored.entropies.data()];
  tf.dispose(scored);
  return { logProbs: places.map((i) => logProbs[i] ?? NaN), entropies: places.map((i) => entropies[i] ?? NaN) };
}

/** The samples of an update. */
interface UpdateSamples {
  readonly examples: readonly Example[];
  readonly samples: ReturnType<typeof policySamples>;
  readonly experts: readonly Example[];
}

async function update(
  { model, config }: GrpoWork,
  weights: Weights,
  optimizer: tf.AdamOptimizer,
  { examples, samples, experts }: UpdateSamples,
): Promise<Pick<GrpoPeerStep['values'], 'policyLoss' | 'expertLossNats' | 'gradientNorm'>> {
  const { balance, loss } = config;
  const lambda = balance.kind === 'additive' ? balance.lambda : 0;
  let parts: { policy: tf.Tensor; expert: tf.Tensor } | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const rollouts = readSequences(model, weights, examples);
    const inPlaces = (values: (sample: (typeof samples)[number]) => readonly number[]): tf.Tensor1D =>
      placed(rollouts, samples.flatMap(values));
    const isToken = inPlaces((sample) => sample.weights.map(() => 1));
    const { ofTargets } = logProbsOf(model, weights, rollouts.hidden, rollouts.targets);
    const old = inPlaces(({ oldLogProbs }) => oldLogProbs ?? []);
    const ratio = tf.exp(tf.sub(tf.mul(ofTargets, isToken), old));
    const advantages = inPlaces((sample) => sample.advantages);
    const held = tf.clipByValue(ratio, 1 - loss.clipLow, 1 + loss.clipHigh);
    const surrogate = tf.minimum(tf.mul(ratio, advantages), tf.mul(held, advantages));
    const policy = tf.neg(
      tf.sum(
        tf.mul(
          surrogate,
          inPlaces((sample) => sample.weights),
        ),
      ),
    );

    const expertTokens = readSequences(model, weights, experts);
    const expertLogProbs = logProbsOf(model, weights, expertTokens.hidden, expertTokens.targets).ofTargets;
    const share = 1 / expertTokens.places.length;
    const mean = placed(
      expertTokens,
      expertTokens.places.map(() => share),
    );
    const expert = tf.neg(tf.sum(tf.mul(expertLogProbs, mean)));
    parts = { policy: tf.keep(policy.clone()), expert: tf.keep(expert.clone()) };
    return tf.add<tf.Scalar>(policy, tf.mul(lambda, expert));
  }, [...weights.values()]);
  const norm = tf.tidy(() => tf.sqrt(sumOf(Object.values(grads).map((grad) => tf.sum(tf.square(grad))))));
  const clipped = tf.tidy(() => {
    const factor = tf.div(config.maxGradNorm, tf.maximum(norm, config.maxGradNorm));
    return Object.entries(grads).map(([name, grad]) => ({ name, tensor: tf.mul(grad, factor) }));
  });
  optimizer.applyGradients(clipped);
  const [policyLoss = NaN] = (await parts?.policy.data()) ?? [];
  const [expertLossNats = NaN] = (await parts?.expert.data()) ?? [];
  const [gradientNorm = NaN] = await norm.data(); // only the update is queued after it
  await [...weights.values()].at(-1)?.data();
  tf.dispose([value, grads, clipped.map(({ tensor }) => tensor), norm, parts ?? {}]);
  return { policyLoss, expertLossNats, gradientNorm };
}

/** Sequences padded on the right, and their scored places. */
function layOut(examples: readonly Example[]) {
  const B = examples.length;
  const T = Math.max(...examples.map(({ prompt, completion }) => prompt.length + completion.length - 1));
  const first = Math.min(...examples.map(({ prompt }) => prompt.length)) - 1;
  const W = T - first;
  const ids = new Int32Array(B * T);
  const targets = new Int32Array(B * W);
  const places: number[] = [];
  for (const [b, { prompt, completion }] of examples.entries()) {
    ids.set(prompt, b * T);
    ids.set(completion.subarray(0, completion.length - 1), b * T + prompt.length);
    const start = b * W + prompt.length - 1 - first;
    targets.set(completion, start);
    for (const i of completion.keys()) places.push(start + i);
  }
  return { B, T, first, W, ids, targets, places };
}

function readSequences(model: GrpoWork['model'], weights: Weights, examples: readonly Example[]): Scored {
  const { B, T, first, W, ids, targets, places } = layOut(examples);
  const positions = Int32Array.from({ length: B * T }, (_, n) => n % T);
  const mask = maskOf(1, T, T, (_b, t, s) => s > t);
  const { hidden } = plainForward(model, weights, plainTokens(model, ids, positions, B, mask));
  const byToken = tf.reshape<tf.Rank.R3>(hidden, [B, T, model.width]);
  const kept = tf.slice(byToken, [0, first, 0], [B, W, model.width]); // [B,T,C] -> [B,W,C]
  return { hidden: tf.reshape(kept, [B * W, model.width]), targets, places };
}

/** Log-softmax, `[N,V]`, and its values at the targets, `[N]`. */
function logProbsOf(
  model: GrpoWork['model'],
  weights: Weights,
  hidden: tf.Tensor2D,
  targets: Int32Array,
): { all: tf.Tensor2D; ofTargets: tf.Tensor1D } {
  const all: tf.Tensor2D = tf.logSoftmax(plainLogits(model, weights, hidden)); // [N,V]
  const chosen = oneHot(tf.tensor1d(targets, 'int32'), model.vocabSize);
  return { all, ofTargets: tf.sum(tf.mul(all, chosen), -1) };
}

/** One number for each scored token, 0 elsewhere. */
function placed({ targets, places }: Scored, values: readonly number[]): tf.Tensor1D {
  const all = new Float32Array(targets.length);
  for (const [i, place] of places.entries()) all[place] = values[i] ?? 0;
  return tf.tensor1d(all);
}

function inputTokens(examples: readonly Example[]): number {
  return examples.reduce((sum, { prompt, completion }) => sum + prompt.length + completion.length - 1, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// Adds one by one, because `addN` binds all inputs at once, which exceeds the GPU's binding limit.
function sumOf(values: readonly tf.Tensor[]): tf.Tensor {
  return values.reduce((a, b) => tf.add(a, b));
}
