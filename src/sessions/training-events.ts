/**
 * Events of single runs that supervised runs and distillation have in common.
 */
import { backendMemory } from '../gpu/current-backend.ts';
import type { TrainingEvent, TrainingEventOf } from '../protocol/training.ts';
import { describeQueries } from '../relevance/metrics/label-report.ts';
import type { Evaluation } from '../train/evaluate.ts';
import type { SftLogEntry } from '../train/sft.ts';
import type { RunClock } from './run-clock.ts';
import type { RunKind } from './run-kind.ts';

/** @param isScheduled - whether the settings asked for it, as opposed to a command */
export function evaluationEvent(
  step: number,
  isScheduled: boolean,
  { pairs, labels, ranking, expertLossNats, reasoning }: Evaluation,
): TrainingEventOf<'evaluation'> {
  return {
    kind: 'evaluation',
    step,
    isScheduled,
    pairs,
    accuracy: labels.accuracy.value,
    macroF1: labels.macroF1.value,
    pairAccuracy: ranking.pairAccuracy.value,
    ndcg10: ranking.ndcg10.value,
    leftOut: describeQueries(ranking.queries),
    expertLossNats: Number.isFinite(expertLossNats) ? expertLossNats : null,
    completions: reasoning?.completions ?? 0,
    validTraces: reasoning?.validTraces ?? null,
    strictReward: reasoning?.strictReward ?? null,
    headAccuracy: reasoning?.headLabelAccuracy ?? null,
    tailAccuracy: reasoning?.tailLabelAccuracy ?? null,
  };
}

/** @param steps - the total number of steps */
export function logEvent(
  { step, lossNats, gradNorm, gradNorms, activations, learningRate, tokens, lossScale }: SftLogEntry,
  steps: number,
  clock: RunClock,
): TrainingEventOf<'log'> {
  const { stepMs, tokensPerSec } = clock.speedAt(step, tokens);
  const secondsLeft = stepMs === null ? null : (stepMs * (steps - step)) / 1000;
  return {
    kind: 'log',
    step,
    steps,
    lossNats,
    gradNorm,
    gradNorms: gradNorms === null ? null : { ...gradNorms },
    activations: activations === null ? null : { ...activations },
    ...(lossScale && { lossScale: { scale: lossScale.scale, skipped: lossScale.skipped } }),
    learningRate,
    tokens,
    tokensPerSec,
    stepMs,
    secondsLeft,
    memory: backendMemory(),
  };
}

/** The checkpoint handling of single runs: its events, and the number of checkpoints to keep. */
export function singleRunKeeping(
  emit: (event: TrainingEvent) => void,
): Pick<RunKind<never>, 'keptCheckpoints' | 'onKept' | 'onUnsaved'> {
  return {
    keptCheckpoints: 3,
    onKept: (step, id, sizeBytes) => emit({ kind: 'checkpoint', step, id, sizeBytes }),
    onUnsaved: (step, failure) => emit({ kind: 'unsaved', step, ...failure }),
  };
}
