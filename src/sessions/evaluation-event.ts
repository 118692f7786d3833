/**
 * An evaluation as it crosses threads: the few numbers that a curve or a table of a run shows.
 */
import type { TrainingEventOf } from '../protocol/training.ts';
import type { Evaluation } from '../train/evaluate.ts';

/** @param isScheduled - whether the settings asked for it, and not a command */
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
    expertLossNats: Number.isFinite(expertLossNats) ? expertLossNats : null,
    completions: reasoning?.completions ?? 0,
    validTraces: reasoning?.validTraces ?? null,
    strictReward: reasoning?.strictReward ?? null,
    headAccuracy: reasoning?.headLabelAccuracy ?? null,
    tailAccuracy: reasoning?.tailLabelAccuracy ?? null,
  };
}
