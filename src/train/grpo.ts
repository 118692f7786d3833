/**
 * Stepwise-GRPO with mode balance. Each step samples groups of completions, rewards them, and moves the policy towards
 * those that did better than their group (L_RL), while expert samples keep it close to everything the expert does
 * (L_SFT):
 *
 *     L = rl L_RL + expert L_SFT
 *
 * The run is a function of its config, its data, its seed and the changes of the coefficient. {@link GrpoState} holds
 * all that is needed to resume: 2N steps equal N, saving, loading and N more, bit for bit on one device. A run can be
 * forked from any state the same way. Prompts, rollouts and expert samples follow from the seed and the step, and under
 * a curriculum (curriculum.ts) also from the stage.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import { type GrpoConfig, needsReference } from '../config/grpo-config.ts';
import { type Example, makeTrainingBatch } from '../data/batches.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import type { Transformer } from '../model/transformer.ts';
import { readWeights, type TensorData } from '../model/weights.ts';
import type { AdamWState } from '../optim/adamw.ts';
import { measureActivations, SEQUENCES, takeActivations } from './activations.ts';
import { type CurriculumState, makeCurriculum } from './curriculum.ts';
import {
  gatedShare,
  type Group,
  isUpdateFirstLook,
  judgeGroups,
  minibatchOf,
  type ScoredRollout,
  silentGroups,
} from './groups.ts';
import {
  type GrpoStep,
  keepGroup,
  type KeptGroup,
  reportRollouts,
  reportUpdates,
  type TokenCounts,
} from './grpo-telemetry.ts';
import { GrpoUpdater, type OneUpdate, updatesPerStep } from './grpo-update.ts';
import { balanceAt, type CoefficientMove, recordCoefficient } from './mode-balance.ts';
import { scoreRollouts, type TokenScores } from './policy-batch.ts';
import { drawRollouts, type RlTask, type Rollout } from './rollouts.ts';

/** All that is needed to resume a run. */
export interface GrpoState {
  readonly step: number;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly optimizer: AdamWState;
  readonly coefficientMoves: readonly CoefficientMove[];
  readonly tokens: TokenCounts;
  readonly curriculum: CurriculumState;
}

/** The inputs of a run besides its config. */
export interface GrpoRun {
  readonly model: Transformer;
  /** The frozen start. Required by a KL term; if given without one, the divergence from it is only measured. */
  readonly reference?: Transformer | undefined;
  readonly task: RlTask;
  /** Expert samples, for L_SFT. */
  readonly expert: readonly Example[];
  /** The state to resume from; its weights must already be the model's. */
  readonly resume?: Omit<GrpoState, 'weights'> | undefined;
  /** Lambda or mu as a person has set it, read before each step, from 0; undefined leaves it unchanged. */
  readonly coefficient?: ((step: number) => number | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Awaited before every step with the steps made so far: a run can pause here, or save its state before it ends. */
  readonly beforeStep?: (step: number, readState: () => Promise<GrpoState>) => Promise<void>;
  /** Awaited after each pass of an update, so that other work can use a shared GPU. */
  readonly afterPass?: (() => Promise<void>) | undefined;
  readonly onStep?: ((record: GrpoStep) => void) | undefined;
  /** Called every `keepEvery` steps with the first groups of the step. */
  readonly onKeep?: ((step: number, groups: readonly KeptGroup[]) => void) | undefined;
  /** Called every `evaluateEvery` steps and at the end. */
  readonly onEvaluate?: (step: number) => Promise<void>;
  /** Called every `checkpointEvery` steps and at the end. */
  readonly onCheckpoint?: (state: GrpoState) => Promise<void>;
  /**
   * Called when the signal ends the run, with the state after the last whole step, because a step is never cut short.
   */
  readonly onStop?: (state: GrpoState) => Promise<void>;
}

/**
 * Trains a model in place.
 *
 * @throws {LabError} `aborted` when the signal fires, `not-finite` when a loss is NaN or infinite, `bad-config` if
 *   there is too little data for one step or a KL term has no reference.
 */
export async function trainGrpo(config: GrpoConfig, run: GrpoRun): Promise<void> {
  checkReference(config, run.reference);
  const { model, task, signal } = run;
  const learner = inPrecision(config, run);
  const prompts = makeCurriculum(task.prompts, config);
  const updater = new GrpoUpdater(config, learner, run.resume?.optimizer);
  let coefficientMoves = run.resume?.coefficientMoves ?? [];
  let tokens = run.resume?.tokens ?? { generated: 0, learned: 0, expert: 0 };
  let step = run.resume?.step ?? 0;
  let curriculum = prompts.begin(run.resume?.curriculum, step);
  // GPU -> CPU sync: weights and moments.
  const readState = async (): Promise<GrpoState> => {
    const [weights, moments] = [await readWeights(model.weights), await updater.readOptimizer()];
    return { step, weights, optimizer: moments, coefficientMoves, tokens, curriculum };
  };

  try {
    while (step < config.steps) {
      await yieldToMessages(); // lets a stop or a change of the coefficient arrive
      await measureVariants(signal); // of kernels that ran for the first time
      throwIfAborted(signal);
      await run.beforeStep?.(step, readState);
      throwIfAborted(signal);
      coefficientMoves = recordCoefficient(coefficientMoves, step, run.coefficient?.(step));

      const startMs = performance.now();
      const rollouts = await drawStep(config, run, step, (round) => prompts.at(step, round, curriculum));
      const sampledMs = performance.now();
      const groups = judgeGroups(config, await scoreStep(config, learner, rollouts));
      const balance = balanceAt(config.balance, step, coefficientMoves.at(-1)?.value, gatedShare(groups));
      await yieldToMessages();
      throwIfAborted(signal);

      const scoredMs = performance.now();
      const activations = run.onStep === undefined ? null : await activationsIn(learner, groups);
      const updates: OneUpdate[] = [];
      for (let index = 0; index < updatesPerStep(config); index++) {
        const part = minibatchOf(groups, index % config.minibatches, config.minibatches);
        updates.push(await updater.update(step, index, part, balance));
      }
      const updatedMs = performance.now();
      const seen = withScores(groups, updates[0]?.scores ?? null);

      const used: TokenCounts = {
        generated: sum(rollouts.flat().map(({ completion }) => completion.ids.length)),
        learned: sum(updates.map(({ policyTokens }) => policyTokens)),
        expert: sum(updates.map(({ expertTokens }) => expertTokens)),
      };
      tokens = {
        generated: tokens.generated + used.generated,
        learned: tokens.learned + used.learned,
        expert: tokens.expert + used.expert,
      };
      const stage = prompts.stageOf(curriculum);
      step += 1;
      curriculum = prompts.after(curriculum, step, rollouts.flat());
      run.onStep?.({
        ...reportRollouts(task, seen),
        ...reportUpdates(updates),
        step,
        stage,
        balance,
        activations,
        tokens,
        times: { rolloutMs: sampledMs - startMs, scoreMs: scoredMs - sampledMs, updateMs: updatedMs - scoredMs },
        tokensPerSec: (1000 * sum(Object.values(used))) / (updatedMs - startMs),
      });
      if (step % config.keepEvery === 0) run.onKeep?.(step, await keepGroups(config, learner, seen));

      const isLast = step === config.steps;
      if (isLast || step % config.evaluateEvery === 0) await run.onEvaluate?.(step);
      if (isLast || step % config.checkpointEvery === 0) {
        if (run.onCheckpoint !== undefined) await run.onCheckpoint(await readState());
      }
    }
  } catch (error) {
    if (error instanceof LabError && error.code === 'aborted') await run.onStop?.(await readState());
    throw error;
  } finally {
    updater.dispose();
  }
}

/** The run with the training precision on its model; rollouts are sampled in float32. */
function inPrecision({ precision }: GrpoConfig, run: GrpoRun): GrpoRun {
  const { model, reference } = run;
  return { ...run, model: { ...model, precision }, reference: reference && { ...reference, precision } };
}

/** The rollouts of a step: P groups; dynamic sampling draws up to `extraRounds` times P more until P have a signal. */
async function drawStep(
  config: GrpoConfig,
  run: GrpoRun,
  step: number,
  promptsOf: (round: number) => number[],
): Promise<Rollout[][]> {
  const { model, task, signal } = run;
  const rounds = config.dropSilentGroups ? 1 + config.extraRounds : 1;
  const groups: Rollout[][] = [];
  for (let round = 0; round < rounds; round++) {
    const request = { config, prompts: promptsOf(round), step, round, signal };
    groups.push(...(await drawRollouts(model, task, request)));
    const withSignal = silentGroups(config, groups).filter((isSilent) => !isSilent).length;
    if (withSignal >= config.prompts) break;
  }
  return groups;
}

/**
 * Scores every sampled token by the trainer and by the reference, before the updates of the step. The trainer's scores
 * are left to the update where it computes them anyway.
 */
async function scoreStep(
  config: GrpoConfig,
  { model, reference, task }: GrpoRun,
  groups: readonly (readonly Rollout[])[],
): Promise<ScoredRollout[][]> {
  const flat = groups.flat();
  const scores = isUpdateFirstLook(config) ? undefined : await scoreRollouts(model, task, flat, config);
  const byReference = reference === undefined ? undefined : await scoreRollouts(reference, task, flat, config);
  let next = 0;
  return groups.map((group) =>
    group.map((rollout) => {
      const i = next++;
      return { rollout, scores: scores?.[i] ?? null, refLogProbs: byReference?.[i]?.logProbs };
    }),
  );
}

/** Groups with the scores that the first update of their step has made, if it has; in the order of the members. */
function withScores(groups: readonly Group[], scores: readonly TokenScores[] | null): readonly Group[] {
  if (scores === null) return groups;
  let next = 0;
  return groups.map((group) => ({
    ...group,
    members: group.members.map((member) => ({ ...member, scores: scores[next++] ?? null })),
  }));
}

/** What modules give in the first rollout of each of the first groups. */
function activationsIn({ model, task }: GrpoRun, groups: readonly Group[]): Promise<GrpoStep['activations']> {
  const first = groups.slice(0, SEQUENCES).flatMap(({ members }) => members.slice(0, 1));
  const examples = first.flatMap(({ rollout: { prompt, completion } }): Example[] => {
    const example = task.prompts[prompt]?.example;
    return example === undefined ? [] : [{ prompt: example.prompt, completion: Int32Array.from(completion.ids) }];
  });
  return takeActivations(measureActivations(model, makeTrainingBatch(examples)));
}

/** Records the first groups of a step, with the effect of its updates on their tokens. */
async function keepGroups(
  config: GrpoConfig,
  { model, task }: GrpoRun,
  groups: readonly Group[],
): Promise<KeptGroup[]> {
  const kept = groups.slice(0, config.keepGroups);
  const rollouts = kept.flatMap(({ members }) => members.map(({ rollout }) => rollout));
  const after = (await scoreRollouts(model, task, rollouts, config)).map(({ logProbs }) => logProbs);
  return kept.map((group, i) => keepGroup(group, after.slice(i * config.samples, (i + 1) * config.samples)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function checkReference(config: GrpoConfig, reference: Transformer | undefined): void {
  if (reference !== undefined || !needsReference(config)) return;
  throw new LabError('bad-config', {
    message: 'The run has a KL term to a reference model, and no reference was given.',
    expected: 'the frozen start as reference',
    got: 'none',
    fix: 'Load the starting model a second time as reference, or set kl to none.',
  });
}
