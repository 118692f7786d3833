/**
 * One optimizer update of a GRPO run. The gradients of L_RL, L_SFT and an optional KL term on expert samples are
 * computed separately, so that they can be compared; AdamW applies their sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import { hash32 } from '../common/rng.ts';
import type { GrpoConfig } from '../config/grpo-config.ts';
import { BatchOrder, type Example } from '../data/batches.ts';
import type { Transformer } from '../model/transformer.ts';
import { squaredNorms } from '../ops/sums.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import { isTrainable, type LossScale } from '../optim/loss-scale.ts';
import { learningRateAt, type Schedule } from '../optim/schedule.ts';
import {
  combineGradients,
  compareGradients,
  disposeGradients,
  type GradientGeometry,
  type LossGradients,
  type LossPass,
  normsByWeight,
  pacedGradients,
} from './gradients.ts';
import { type Group, policySamples } from './groups.ts';
import { type Anchor, anchorPass, expertPass, policyPass } from './grpo-passes.ts';
import { type Balance, expertLoss } from './mode-balance.ts';
import { makePolicyBatches, type PolicyBatch, readScores, type TokenScores } from './policy-batch.ts';
import { policyLoss } from './policy-loss.ts';
import type { RlTask } from './rollouts.ts';

/** The result of one update; fields are null where the update had no such term. */
export interface OneUpdate {
  readonly policyLoss: number | null;
  readonly expertLoss: number | null;
  /** Mean exact KL on expert tokens, in nats. */
  readonly expertKlNats: number | null;
  /** Tokens with a weight in L_RL, and how many of them were clipped. */
  readonly weighedTokens: number;
  readonly clippedTokens: number;
  /** Input tokens of rollouts and of expert samples. */
  readonly policyTokens: number;
  readonly expertTokens: number;
  /** Of the whole gradient before clipping; null if there was no loss term or the gradient overflowed float16. */
  readonly gradNorm: number | null;
  /** The same of each weight by its name; measured in the first update of a step, null in others. */
  readonly gradNorms: Readonly<Record<string, number>> | null;
  /** In mixed precision, after the update. */
  readonly lossScale: LossScale | undefined;
  /** L_RL (first) against L_SFT (second); measured in the first update of a step. */
  readonly geometry: GradientGeometry | undefined;
  readonly learningRate: number;
  /** Of the rollouts in the order of the groups, if this update scored them; else null. */
  readonly scores: readonly TokenScores[] | null;
}

/** The parts that an updater works with. */
export interface UpdaterParts {
  readonly model: Transformer;
  readonly reference?: Transformer | undefined;
  readonly task: RlTask;
  readonly expert: readonly Example[];
  /** Awaited after each pass. */
  readonly afterPass?: (() => Promise<void>) | undefined;
}

/** Makes the updates of one run. Owns the optimizer: call {@link dispose}. */
export class GrpoUpdater {
  readonly #config: GrpoConfig;
  readonly #parts: UpdaterParts;
  readonly #optimizer: AdamW;
  readonly #schedule: Schedule;
  readonly #policyLoss: ReturnType<typeof policyLoss>;
  readonly #expertLoss: ReturnType<typeof expertLoss>;
  readonly #anchor: WeighedAnchor | undefined;
  readonly #expertOrder: BatchOrder | undefined;

  /**
   * @param state - of the optimizer, to resume from
   * @throws {LabError} `bad-config` if the config needs expert samples and there are none
   */
  constructor(config: GrpoConfig, parts: UpdaterParts, state: AdamWState | undefined) {
    this.#config = config;
    this.#parts = parts;
    this.#schedule = {
      peakLearningRate: config.learningRate,
      warmupSteps: config.warmupUpdates,
      totalSteps: config.steps * updatesPerStep(config),
      finalFraction: config.finalFraction,
    };
    this.#policyLoss = policyLoss(config.loss);
    this.#expertLoss = expertLoss(config.balance);
    this.#anchor = anchorOf(config, parts.reference);
    this.#expertOrder = expertOrder(config, parts.expert);
    this.#optimizer = new AdamW(parts.model.weights, { ...config, eps: config.adamEps }, state);
  }

  /** The optimizer's moments. Waits for the GPU. */
  readOptimizer(): Promise<AdamWState> {
    return this.#optimizer.readState();
  }

  dispose(): void {
    this.#optimizer.dispose();
  }

  /**
   * Updates the model from some groups of a step.
   *
   * @param index - of the update in its step, from 0
   * @throws {LabError} `not-finite` when a loss or the gradient is NaN or infinite; `bad-config` if the balance needs
   *   expert data and there is none
   */
  async update(step: number, index: number, groups: readonly Group[], balance: Balance): Promise<OneUpdate> {
    const { model, task } = this.#parts;
    const number = step * updatesPerStep(this.#config) + index;
    const learningRate = learningRateAt(number, this.#schedule);

    const samples = policySamples(
      this.#config,
      groups.filter(({ use }) => use === 'policy'),
    );
    const batches = makePolicyBatches(task, samples, this.#config.sequencesPerPass);
    const policy = await pacedGradients(
      model.weights,
      batches.map((batch) => () => policyPass(model, this.#config, this.#policyLoss, batch)),
      (loss) => this.#optimizer.scaled(loss),
      this.#parts.afterPass,
    );
    const examples = this.#expertSamples(number, groups, balance);
    const expert = this.#isExpertSeen(step, index, balance) ? await this.#expertGradients(examples) : undefined;
    const anchor = await this.#anchorGradients(examples);

    const gradients = combineGradients(model.weights, [
      { factor: balance.rl, gradients: policy },
      { factor: balance.expert, gradients: expert },
      { factor: this.#anchor?.beta ?? 0, gradients: anchor },
    ]);
    // GPU -> CPU syncs: a few numbers per update.
    const scaleBefore = (await this.#optimizer.readLossScale())?.scale;
    const squares = gradients === undefined || index > 0 ? undefined : squaredNorms(Object.values(gradients));
    const norm = gradients === undefined ? undefined : this.#optimizer.apply(gradients, learningRate);
    const [normBefore, lossScale] = [await readScalar(norm), await this.#optimizer.readLossScale()];
    const result: OneUpdate = {
      policyLoss: await readScalar(policy?.loss),
      expertLoss: await readScalar(expert?.loss),
      expertKlNats: await readScalar(anchor?.loss),
      weighedTokens: samples.flatMap(({ weights }) => weights).filter((weight) => weight > 0).length,
      clippedTokens: (await readScalar(policy?.measure)) ?? 0,
      policyTokens: batches.reduce((sum, { batch }) => sum + batch.tokens, 0),
      expertTokens: balance.expert > 0 || anchor !== undefined ? inputTokens(examples) : 0,
      gradNorm: lossScale !== undefined && !Number.isFinite(normBefore) ? null : normBefore,
      gradNorms:
        squares === undefined || normBefore === null
          ? null
          : normsByWeight(model.weights.keys(), await squares.data<'float32'>(), normBefore),
      lossScale,
      geometry: index === 0 ? await compareGradients(policy, expert, scaleBefore) : undefined,
      learningRate,
      scores: policy === undefined || policy.scores.length === 0 ? null : await readPasses(policy.scores, batches),
    };
    tf.dispose([gradients ?? {}, norm ?? [], squares ?? []]);
    for (const each of [policy, expert, anchor]) disposeGradients(each);
    const loss = (result.policyLoss ?? 0) + (result.expertLoss ?? 0);
    if (!isTrainable(loss, normBefore ?? 0, lossScale)) throw notFinite(step, loss, normBefore);
    return result;
  }

  /** Expert samples of an update: under hpt those of the gated prompts, otherwise the next of the run's expert data. */
  #expertSamples(number: number, groups: readonly Group[], balance: Balance): Example[] {
    const { task, expert } = this.#parts;
    if (this.#config.balance.kind === 'hpt') {
      const gated = groups.filter(({ use }) => use === 'expert');
      return gated.flatMap(({ members }) => task.prompts[members[0]?.rollout.prompt ?? -1]?.example ?? []);
    }
    // The coefficient can be raised above 0 in a run that began without expert data.
    if (this.#expertOrder === undefined && balance.expert > 0) throw noExpertData();
    return (this.#expertOrder?.at(number) ?? []).flatMap((i) => expert[i] ?? []);
  }

  /** Whether L_SFT is computed: because it has a weight, or at intervals to measure its gradient. */
  #isExpertSeen(step: number, index: number, balance: Balance): boolean {
    const { probeExpertEvery } = this.#config;
    const isProbed = index === 0 && probeExpertEvery > 0 && step % probeExpertEvery === 0;
    return balance.expert > 0 || isProbed;
  }

  async #expertGradients(examples: readonly Example[]): Promise<LossGradients | undefined> {
    if (examples.length === 0) return undefined;
    const { model, afterPass } = this.#parts;
    const pass = (): LossPass => expertPass(model, this.#expertLoss, examples);
    return pacedGradients(model.weights, [pass], (loss) => this.#optimizer.scaled(loss), afterPass);
  }

  async #anchorGradients(examples: readonly Example[]): Promise<LossGradients | undefined> {
    const anchor = this.#anchor;
    if (anchor === undefined || examples.length === 0) return undefined;
    const { model, afterPass } = this.#parts;
    const pass = (): LossPass => anchorPass(model, anchor, examples);
    return pacedGradients(model.weights, [pass], (loss) => this.#optimizer.scaled(loss), afterPass);
  }
}

/** Optimizer updates per step. */
export function updatesPerStep({ innerEpochs, minibatches }: GrpoConfig): number {
  return innerEpochs * minibatches;
}

/** A KL term on the expert's tokens. */
interface WeighedAnchor extends Anchor {
  readonly beta: number;
}

function anchorOf({ kl, temperature }: GrpoConfig, reference: Transformer | undefined): WeighedAnchor | undefined {
  if (reference === undefined || (kl.kind !== 'k2' && kl.kind !== 'k3') || kl.on !== 'expert') return undefined;
  return { beta: kl.beta, reference, temperature, direction: kl.kind === 'k3' ? 'forward' : 'reverse' };
}

/** @throws {LabError} `bad-config` if the config needs expert samples and there are none */
function expertOrder(config: GrpoConfig, expert: readonly Example[]): BatchOrder | undefined {
  if (expert.length > 0) {
    const lengths = expert.map(({ prompt, completion }) => prompt.length + completion.length);
    return new BatchOrder(lengths, Math.min(config.expertBatch, expert.length), hash32(`expert ${config.seed}`));
  }
  const { balance, kl } = config;
  const isPlain = balance.kind === 'hpt' || (balance.kind === 'additive' && balance.lambda === 0);
  const isAnchored = (kl.kind === 'k2' || kl.kind === 'k3') && kl.on === 'expert';
  if (isPlain && !isAnchored) return undefined;
  throw noExpertData();
}

function noExpertData(): LabError {
  return new LabError('bad-config', {
    message: 'The balance of this run needs expert samples, and there are none.',
    expected: 'at least 1 expert sample',
    got: '0',
    fix: 'Give it expert data, or set balance to additive with lambda 0 and leave the coefficient at 0.',
  });
}

function inputTokens(examples: readonly Example[]): number {
  return examples.reduce((sum, { prompt, completion }) => sum + prompt.length + completion.length - 1, 0);
}

async function readPasses(passes: readonly tf.Tensor[], batches: readonly PolicyBatch[]): Promise<TokenScores[]> {
  const scores: TokenScores[] = [];
  for (const [i, pass] of passes.entries()) {
    const rollouts = batches[i]?.samples.map(({ rollout }) => rollout) ?? [];
    scores.push(...(await readScores(pass, rollouts)));
  }
  return scores;
}

async function readScalar(value: tf.Scalar | undefined): Promise<number | null> {
  return value === undefined ? null : ((await value.data<'float32'>())[0] ?? NaN);
}

function notFinite(step: number, loss: number, gradNorm: number | null): LabError {
  return new LabError('not-finite', {
    message: `Step ${step + 1} gave a loss or gradient that is not finite.`,
    expected: 'finite numbers',
    got: `loss ${loss}, gradient norm ${gradNorm ?? 'none'}`,
    fix: 'Lower the learning rate or the weight of the KL term, and resume from the last checkpoint.',
  });
}
