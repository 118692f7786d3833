/**
 * Measures a policy during a GRPO run: its reward on a fixed sample of the run's prompts, and its quality on held-out
 * pairs. Prompts and random numbers are the same every time, so that two measurements differ by the policy alone.
 */
import type { DecodingKind } from '../config/decoding.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { PolicyMeasures } from '../protocol/policy-measures.ts';
import type { PolicyAnswers } from '../protocol/policy-answers.ts';
import type { RunCompletions } from '../protocol/tracked-run.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import { type CollapseReport, detectCollapse } from '../train/collapse.ts';
import { evaluate, type Evaluation, type ExpertPair } from '../train/evaluate.ts';
import { judgeGroups } from '../train/groups.ts';
import { type RolloutReport, reportRollouts } from '../train/grpo-telemetry.ts';
import { scoreRollouts } from '../train/policy-batch.ts';
import { drawRollouts } from '../train/rollouts.ts';
import type { Transformer } from '../model/transformer.ts';
import type { GrpoStart, PreparedGrpo } from './grpo-task.ts';
import { policyAnswers, recordedCompletions } from './recorded-answers.ts';

/** A step number that no run has, as the seed of the probe's random numbers. */
const PROBE_STEP = -1;

/** What was measured of a policy, and what it answered on the way. */
export interface MeasuredPolicy {
  readonly measures: PolicyMeasures;
  readonly answers: PolicyAnswers;
  readonly completions: RunCompletions['answers'];
}

/** Measures a policy. @throws {LabError} `aborted` */
export async function measurePolicy(
  model: Transformer,
  experiment: GrpoExperiment,
  prepared: PreparedGrpo,
  start: GrpoStart,
  signal?: AbortSignal,
): Promise<MeasuredPolicy> {
  const probe = await probePolicy(model, experiment, prepared, signal);
  const evaluation = await evaluateHeldOut(model, prepared.rules, start, prepared.dev, {
    decoding: experiment.grpo.decoding,
    signal,
  });
  const measures = {
    probe: {
      reward: probe.reward.total,
      labelEntropyNats: probe.entropy.labelNats,
      reasoningEntropyNats: probe.entropy.reasoningNats,
      distinctRules: probe.distinctRules,
      zeroVarianceShare: probe.groups.zeroVarianceShare,
      invalidShare: probe.invalidShare,
      meanLength: probe.length.mean,
    },
    heldOut: heldOutOf(evaluation),
  };
  const answered = [prepared.rules, start.tokenizer, prepared.dev, evaluation.answers] as const;
  return { measures, answers: policyAnswers(...answered), completions: recordedCompletions(...answered) };
}

/**
 * The quality of a policy on expert pairs.
 *
 * @param options - what its answers are held to, default nothing.
 * @throws {LabError} `aborted`
 */
export async function measureHeldOut(
  model: Transformer,
  rules: Rules,
  start: GrpoStart,
  pairs: readonly ExpertPair[],
  options: { readonly decoding?: DecodingKind; readonly signal?: AbortSignal | undefined } = {},
): Promise<PolicyMeasures['heldOut']> {
  return heldOutOf(await evaluateHeldOut(model, rules, start, pairs, options));
}

function evaluateHeldOut(
  model: Transformer,
  rules: Rules,
  { tokenizer, prompt }: GrpoStart,
  pairs: readonly ExpertPair[],
  options: { readonly decoding?: DecodingKind; readonly signal?: AbortSignal | undefined },
): Promise<Evaluation> {
  return evaluate({ ...rules, transformer: model, tokenizer, prompt }, pairs, {
    completions: pairs.length,
    ...options,
  });
}

/** Whether a policy has collapsed since the start of its run, as the lab defines it. */
export function collapseSince(start: PolicyMeasures, now: PolicyMeasures): CollapseReport {
  return detectCollapse(collapseMeasures(start), collapseMeasures(now));
}

function collapseMeasures({ probe, heldOut }: PolicyMeasures): Parameters<typeof detectCollapse>[0] {
  const { tailRecall, distinctRules } = heldOut;
  return { meanReward: probe.reward, tailRecall, distinctRules };
}

async function probePolicy(
  model: Transformer,
  { grpo, probeSamples }: GrpoExperiment,
  { task, probe }: PreparedGrpo,
  signal: AbortSignal | undefined,
): Promise<RolloutReport> {
  const config = { ...grpo, samples: probeSamples };
  const drawn = await drawRollouts(model, task, { config, prompts: probe, step: PROBE_STEP, round: 0, signal });
  const scores = await scoreRollouts(model, task, drawn.flat(), grpo);
  let next = 0;
  const scored = drawn.map((group) =>
    group.map((rollout) => ({
      rollout,
      scores: scores[next++] ?? { logProbs: [], entropies: [] },
      refLogProbs: undefined,
    })),
  );
  return reportRollouts(task, judgeGroups(config, scored));
}

/** The measures of an evaluation that a run records. */
export function heldOutOf({
  pairs,
  labels,
  ranking,
  reasoning,
  expertLossNats,
}: Evaluation): PolicyMeasures['heldOut'] {
  return {
    pairs,
    accuracy: labels.accuracy.value,
    macroF1: labels.macroF1.value,
    pairAccuracy: ranking.pairAccuracy.value,
    headRecall: reasoning?.rules.head.recall ?? null,
    tailRecall: reasoning?.rules.tail.recall ?? null,
    distinctRules: reasoning?.distinctRules ?? 0,
    validTraces: reasoning?.validTraces ?? 0,
    strictReward: reasoning?.strictReward ?? 0,
    verifiedSteps: reasoning?.verifiedSteps ?? null,
    labelTraceAgreement: reasoning?.labelTraceAgreement ?? null,
    labelEntropyNats: labels.labelEntropyNats.value,
    expertLossNats,
  };
}
