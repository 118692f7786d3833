/**
 * Stepwise-GRPO with mode balance on one page: plain loops over float64 numbers, readable in ten minutes. The trainer
 * (train/grpo.ts) computes the same on a GPU, can pause and resume, and has more options; a test compares its numbers
 * with this page, so read this first. `docs/grpo.md` walks through it with formulas and sources.
 *
 * **The idea.** A policy p answers a prompt G times, and each answer is rewarded. No critic is needed to predict the
 * reward, because the other answers to the same prompt estimate it: the advantage of an answer is how much better it
 * did than its group. Learning raises the log-probability of tokens with a positive advantage and lowers the others.
 * Every method of this family finally assigns each sampled token one number, dL / d log p(token). Here the policy
 * provides only log-probabilities and the gradient of a weighted sum of them, so this page computes that number and no
 * automatic differentiation is needed to follow it.
 *
 * **What we changed from GRPO (arXiv 2402.03300), and why.**
 *
 * 1. *Advantages by segment, not by answer.* An answer here is a label token followed by reasoning that cites rules.
 *    With one reward for the whole, a right label pays for wrong reasoning and a wrong label punishes right reasoning.
 *    So labels are compared with the labels of the group, reasoning with the other reasoning, and a step that cites a
 *    rule also with the other citations of the same rule. (A rule cited once has no peers, and gets nothing extra.)
 * 2. *Reasoning that breaks the grammar earns 0; any other earns at least the label's share of the reward.* When the
 *    reward was only the F1 of the steps, a broken form cost no more than wrong steps, and was not unlearned.
 * 3. *Label and reasoning are averaged separately and weighted equally.* In a mean over tokens, one label token among
 *    thirty counts for little, although it is the token that answers.
 * 4. *An expert loss is added (mode balance).* RL minimises a reverse KL to the rewarded policy, which one good mode
 *    can satisfy: the policy keeps the frequent rules that pay and forgets rare ones, which are then no longer sampled
 *    and cannot be reinforced. lambda times the negative log-likelihood of expert answers is a forward KL: it penalises
 *    the policy for whatever the expert does and the policy does not.
 * 5. *KL to the start is optional and off by default.* k3 as a loss on samples has the gradient of the forward KL, not
 *    of the reverse KL that its value estimates. GRPO uses it that way, and so does this page, under its right name.
 *
 * **What is left out**, all of it in the trainer: other averages and ratios (DAPO, Dr.GRPO, GSPO), k1 and k2, dynamic
 * sampling, curricula, other balances (CHORD, HPT, SRFT), an entropy bonus, minibatches, a learning-rate schedule,
 * mixed precision, saving and resuming.
 */

/** All that reinforcement needs from a language model. Tokens are integers, log-probabilities are in nats. */
export interface Policy {
  /** One flat list, updated in place. */
  readonly weights: Float64Array;
  /** 1 where a weight belongs to a matrix, which AdamW decays; 0 for norms and biases. */
  readonly decays: ArrayLike<number>;
  /** Draws one completion at temperature 1; it has at least one token, the label. */
  sample(prompt: readonly number[]): readonly number[];
  /** log p of each token of the completion, given the prompt and the tokens before it. */
  logProbs(prompt: readonly number[], completion: readonly number[]): readonly number[];
  /** The gradient of sum_t push[t] * log p(completion[t]) by the weights. */
  gradient(prompt: readonly number[], completion: readonly number[], push: readonly number[]): Float64Array;
}

/** What a completion earned; each number lies in [0, 1]. */
export interface Reward {
  readonly label: number;
  /** F1 of the cited steps. */
  readonly reasoning: number;
  /** The completion breaks the grammar, or restates another label than its first. */
  readonly isBroken: boolean;
  /** A step is the tokens from `start` up to, but not including, `end`; its value is 1 if it is right. */
  readonly steps: readonly {
    readonly rule: number;
    readonly value: number;
    readonly start: number;
    readonly end: number;
  }[];
}

/** A prompt with the completion that an expert would give. */
export interface Sample {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

/** A completion of the policy, with log p of each token by the policy before this step's updates and by the start. */
export interface Rollout extends Sample {
  readonly reward: Reward;
  readonly oldLogProbs: readonly number[];
  readonly refLogProbs: readonly number[];
}

/** The settings, named as in the trainer's config. */
export interface Settings {
  readonly steps: number;
  /** G, completions per prompt. */
  readonly samples: number;
  /** Updates on the rollouts of one step; the clip has an effect from the second on. */
  readonly innerEpochs: number;
  /** The ratio is clipped to [1 - clip, 1 + clip]. */
  readonly clip: number;
  /** Weights of the k3 term (beta) and of the expert loss (lambda); with both 0 this is plain GRPO. */
  readonly klBeta: number;
  readonly lambda: number;
  readonly adam: AdamWSettings;
}
type AdamWSettings = Readonly<
  Record<'learningRate' | 'beta1' | 'beta2' | 'adamEps' | 'weightDecay' | 'maxGradNorm', number>
>;

/** Where prompts, expert samples and rewards come from. */
export interface Task {
  /** The prompts of a step, counted from 0. */
  prompts(step: number): readonly (readonly number[])[];
  /** The expert samples of an update, counted from 0 over the whole run. */
  expert(update: number): readonly Sample[];
  reward(prompt: readonly number[], completion: readonly number[]): Reward;
}

/** The record of a step: means over its updates; the norms and cosine of L_RL and L_SFT are of the first update. */
export interface StepRecord {
  readonly groups: readonly (readonly Rollout[])[];
  /** By group, completion and token. */
  readonly advantages: readonly (readonly (readonly number[])[])[];
  readonly policyLoss: number;
  readonly expertLoss: number;
  /** Mean k3 per sampled token to the frozen start, before the updates. */
  readonly klNats: number;
  readonly clipFraction: number;
  readonly gradNorm: number;
  readonly policyNorm: number;
  readonly expertNorm: number;
  readonly cosine: number;
}

/** The label's share of the reward and its weight in L_RL; the reasoning has the rest of both. */
const LABEL_SHARE = 0.5;
/** Rewards with a smaller standard deviation than this count as equal. */
const LEAST_SPREAD = 1e-4;

/** Trains the policy in place. @param start - the frozen policy that the KL is measured against */
export function trainOnOnePage(
  policy: Policy,
  start: Pick<Policy, 'logProbs'>,
  task: Task,
  settings: Settings,
): StepRecord[] {
  const optimizer = new AdamW(policy, settings.adam);
  return Array.from({ length: settings.steps }, (_, step) => {
    // 1. Answer every prompt G times. Whatever the updates below do, these answers count as drawn from the old p.
    const groups = task.prompts(step).map((prompt) =>
      Array.from({ length: settings.samples }, (): Rollout => {
        const completion = policy.sample(prompt);
        const reward = task.reward(prompt, completion);
        const oldLogProbs = policy.logProbs(prompt, completion);
        return { prompt, completion, reward, oldLogProbs, refLogProbs: start.logProbs(prompt, completion) };
      }),
    );
    // 2. Compare every answer with its group.
    const advantages = groups.map(tokenAdvantages);
    // 3. Make some updates on the same answers.
    const updates = Array.from({ length: settings.innerEpochs }, (_, epoch) => {
      const rl = policyLoss(policy, groups.flat(), advantages.flat(), settings);
      const sft = expertLoss(policy, task.expert(step * settings.innerEpochs + epoch));
      const gradient = rl.gradient.map((value, i) => value + settings.lambda * at(sft.gradient, i));
      optimizer.update(gradient);
      return { rl, sft, gradNorm: norm(gradient) };
    });
    const { rl, sft } = at(updates, 0);
    return {
      groups,
      advantages,
      policyLoss: mean(updates.map(({ rl }) => rl.loss)),
      expertLoss: mean(updates.map(({ sft }) => sft.loss)),
      klNats: mean(groups.flat().flatMap((r) => r.oldLogProbs.map((logProb, t) => k3(logProb - at(r.refLogProbs, t))))),
      clipFraction: mean(updates.map(({ rl }) => rl.clipFraction)),
      gradNorm: mean(updates.map(({ gradNorm }) => gradNorm)),
      policyNorm: norm(rl.gradient),
      expertNorm: norm(sft.gradient),
      cosine: dot(rl.gradient, sft.gradient) / (norm(rl.gradient) * norm(sft.gradient)),
    };
  });
}

/** One advantage per token of each completion of a group. */
export function tokenAdvantages(group: readonly Pick<Rollout, 'completion' | 'reward'>[]): number[][] {
  const labels = normalised(group.map(({ reward }) => reward.label));
  const reasonings = normalised(
    // The total reward assuming a right label, so that this part judges the reasoning alone.
    group.map(({ reward }) => (reward.isBroken ? 0 : LABEL_SHARE + (1 - LABEL_SHARE) * reward.reasoning)),
  );
  const advantages = group.map(({ completion }, g) => completion.map((_, t) => at(t === 0 ? labels : reasonings, g)));
  // In addition, by rule: did citing this rule go better here than where the group cited it elsewhere?
  const citations = group.flatMap(({ reward }, g) => reward.steps.map((step) => ({ ...step, g })));
  for (const rule of new Set(citations.map((citation) => citation.rule))) {
    const cited = citations.filter((citation) => citation.rule === rule);
    for (const [i, advantage] of normalised(cited.map(({ value }) => value)).entries()) {
      const { g, start, end } = at(cited, i);
      const tokens = at(advantages, g);
      for (let t = start; t < end; t++) tokens[t] = at(tokens, t) + advantage;
    }
  }
  return advantages;
}

/**
 * (r - mean) / standard deviation; zeros where rewards do not differ, because dividing would amplify rounding errors.
 */
export function normalised(rewards: readonly number[]): number[] {
  const centre = mean(rewards);
  const spread = Math.sqrt(mean(rewards.map((reward) => (reward - centre) ** 2)));
  return rewards.map((reward) => (spread < LEAST_SPREAD ? 0 : (reward - centre) / spread));
}

/** L_RL = -sum_t w_t min(rho A, clip(rho) A) + beta sum_t w_t k3, over all tokens of all rollouts. */
export function policyLoss(
  policy: Policy,
  rollouts: readonly Rollout[],
  advantages: readonly (readonly number[])[],
  { clip, klBeta }: Pick<Settings, 'clip' | 'klBeta'>,
): { readonly loss: number; readonly gradient: Float64Array; readonly clipFraction: number } {
  const gradient = new Float64Array(policy.weights.length);
  const reasoned = rollouts.filter(({ completion }) => completion.length > 1).length;
  let loss = 0;
  let tokens = 0;
  let clipped = 0;
  for (const [i, { prompt, completion, oldLogProbs, refLogProbs }] of rollouts.entries()) {
    const push = policy.logProbs(prompt, completion).map((logProb, t) => {
      // The mean over labels, and the mean over completions of the mean over their reasoning tokens.
      const weight = t === 0 ? LABEL_SHARE / rollouts.length : (1 - LABEL_SHARE) / (reasoned * (completion.length - 1));
      const advantage = at(at(advantages, i), t);
      // d rho / d log p is rho. A clipped token has moved far enough in the direction of its advantage: gradient 0.
      const ratio = Math.exp(logProb - at(oldLogProbs, t));
      const held = Math.min(Math.max(ratio, 1 - clip), 1 + clip);
      const isClipped = held * advantage < ratio * advantage;
      const gap = logProb - at(refLogProbs, t);
      loss += weight * (-Math.min(ratio * advantage, held * advantage) + klBeta * k3(gap));
      tokens += 1;
      clipped += Number(isClipped);
      return weight * ((isClipped ? 0 : -ratio * advantage) + klBeta * (1 - Math.exp(-gap)));
    });
    add(gradient, policy.gradient(prompt, completion, push));
  }
  return { loss, gradient, clipFraction: clipped / tokens };
}

/** L_SFT, the mean negative log-likelihood of the expert's tokens, in nats. */
export function expertLoss(policy: Policy, samples: readonly Sample[]): { loss: number; gradient: Float64Array } {
  const gradient = new Float64Array(policy.weights.length);
  const tokens = samples.reduce((sum, { completion }) => sum + completion.length, 0);
  let loss = 0;
  for (const { prompt, completion } of samples) {
    for (const logProb of policy.logProbs(prompt, completion)) loss -= logProb / tokens;
    const push = completion.map(() => -1 / tokens);
    add(gradient, policy.gradient(prompt, completion, push));
  }
  return { loss, gradient };
}

/** An estimate of KL(p || ref) at a token that p drew, from gap = log p - log ref; never negative. */
function k3(gap: number): number {
  return Math.exp(-gap) + gap - 1;
}

/** AdamW (arXiv 1711.05101) after clipping the whole gradient to a maximum norm. */
class AdamW {
  readonly #policy: Pick<Policy, 'weights' | 'decays'>;
  readonly #settings: AdamWSettings;
  /** Running means of the gradient and of its square. */
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #updates = 0;

  constructor(policy: Pick<Policy, 'weights' | 'decays'>, settings: AdamWSettings) {
    [this.#policy, this.#settings] = [policy, settings];
    [this.#first, this.#second] = [new Float64Array(policy.weights.length), new Float64Array(policy.weights.length)];
  }

  update(gradient: Float64Array): void {
    const { weights, decays } = this.#policy;
    const { learningRate, beta1, beta2, adamEps, weightDecay, maxGradNorm } = this.#settings;
    this.#updates += 1;
    const scale = Math.min(1, maxGradNorm / norm(gradient));
    for (const [i, weight] of weights.entries()) {
      const slope = scale * at(gradient, i);
      const first = beta1 * at(this.#first, i) + (1 - beta1) * slope;
      const second = beta2 * at(this.#second, i) + (1 - beta2) * slope * slope;
      [this.#first[i], this.#second[i]] = [first, second];
      const direction = first / (1 - beta1 ** this.#updates); // corrects the bias of means that begin at 0
      const size = Math.sqrt(second / (1 - beta2 ** this.#updates)) + adamEps;
      weights[i] = weight - learningRate * (direction / size + weightDecay * at(decays, i) * weight);
    }
  }
}

function add(sum: Float64Array, more: Float64Array): void {
  for (const [i, value] of more.entries()) sum[i] = at(sum, i) + value;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * at(b, i), 0);
}

const norm = (gradient: Float64Array): number => Math.sqrt(dot(gradient, gradient));

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @throws {RangeError} for an index outside of the list */
function at<T>(list: { readonly length: number; readonly [index: number]: T }, index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`index ${index} of a list of ${list.length}`);
  return value;
}
