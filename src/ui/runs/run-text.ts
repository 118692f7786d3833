/** Runs in words. */
import type { RunRow } from '../../protocol/runs.ts';
import { isLowerBetter, type RunWatch } from '../../protocol/tracked-run.ts';

const KIND_NAMES: Readonly<Record<RunRow['kind'], string>> = {
  sft: 'supervised',
  grpo: 'reinforcement',
  distill: 'student',
};

const METRIC_NAMES: Readonly<Record<string, string>> = {
  reward: 'Reward',
  accuracy: 'Accuracy',
  macroF1: 'Macro-F1',
  tailRecall: 'Tail recall',
  headRecall: 'Head recall',
  distinctRules: 'Rules cited',
  verifiedSteps: 'Verified steps',
  strictReward: 'Strict reward',
  pairAccuracy: 'Pair accuracy',
  validTraces: 'Valid traces',
  labelTraceAgreement: 'Label and trace agree',
  labelEntropyNats: 'Label entropy (nats)',
  reasoningEntropyNats: 'Reasoning entropy (nats)',
  expertLossNats: 'Expert loss (nats)',
  lossNats: 'Loss (nats)',
};

export function kindName(kind: RunRow['kind']): string {
  return KIND_NAMES[kind];
}

/** The name of a metric; its own where there is no better one. */
export function metricName(metric: string): string {
  // Metrics of imported runs can have any name, such as that of a property of every object.
  return Object.hasOwn(METRIC_NAMES, metric) ? (METRIC_NAMES[metric] ?? metric) : metric;
}

/** "step 40 of 160", "finished, 160 steps". */
export function stateText({ state, step, steps }: Pick<RunRow, 'state' | 'step' | 'steps'>): string {
  if (state === 'queued') return 'in the queue';
  if (state === 'finished' && step < steps) return `finished early, ${step} of ${steps} steps`;
  return state === 'finished' ? `finished, ${step} steps` : `${state}, step ${step} of ${steps}`;
}

/** A value of any metric: "0.412", "27", "1.3e-7". */
export function valueText(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(1);
  return size < 0.001 ? value.toExponential(1) : value.toFixed(3);
}

/** The rule by which a run is watched, as a sentence. */
export function watchText({ metric, patience }: RunWatch): string {
  const best = `The checkpoint with the ${isLowerBetter(metric) ? 'lowest' : 'highest'} ${metricName(metric).toLowerCase()} is kept`;
  if (patience === 0) return `${best}.`;
  const without = patience === 1 ? 'one measurement' : `${patience} measurements in a row`;
  return `${best}; the run ends at a checkpoint after ${without} no better than the best before.`;
}

/** At most a few of the differences of a run, and how many more there are. */
export function differsText({ differs, baseline }: Pick<RunRow, 'differs' | 'baseline'>): string {
  if (baseline === null) return 'baseline';
  if (differs.length === 0) return 'nothing but the seed';
  const shown = differs.slice(0, MOST_DIFFERENCES).join(', ');
  return differs.length > MOST_DIFFERENCES ? `${shown} and ${differs.length - MOST_DIFFERENCES} more` : shown;
}
const MOST_DIFFERENCES = 3;

/** Whether all words of a filter occur in what the row shows of a run. */
export function matches(run: RunRow, filter: string): boolean {
  const { name, kind, state, seed, tags, note, differs } = run;
  const text = [name, kind, kindName(kind), state, `seed ${seed}`, ...tags, note, ...differs].join(' ').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/u)
    .every((word) => text.includes(word));
}
