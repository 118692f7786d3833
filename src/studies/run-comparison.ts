/**
 * A comparison of runs: the settings in which they differ, and the effect of the differences. Runs that differ only in
 * their seed form a group; groups are compared with the first one, paired by seed, as the arms of an experiment are.
 */
import { SEEDS_FOR_A_CLAIM } from '../protocol/experiment-results.ts';
import { settingLabel } from '../config/swept-settings.ts';
import { COMPARISON_AXES, type ComparisonAxis, FIRST_METRICS } from '../protocol/runs.ts';
import {
  isLowerBetter,
  type RunBest,
  type RunPoint,
  type RunState,
  type RunSummary,
  type RunWatch,
  type Setting,
} from '../protocol/tracked-run.ts';
import { decide, meanText, metricBySeed, metricMean, pairedDifferences, signedInterval } from './findings.ts';
import type { CurvePoint } from './plot.ts';
import { heading, list, paragraph, type Report, type ReportBlock, table } from './report.ts';
import { meanInterval, signed } from '../common/student-t.ts';

/** A run and its path. */
export interface ComparedRun extends RunSummary {
  readonly path: string;
  /** Where it is recorded: a finished run may have ended before its last step, by its rule. */
  readonly state?: RunState;
  /** Its rule and the best checkpoint by it, where it has them. */
  readonly watch?: RunWatch | null;
  readonly best?: RunBest | null;
  /** When its record was last written, in milliseconds since 1970. */
  readonly updatedAt?: number;
}

/** Runs with the same settings. */
interface RunGroup {
  /** Its difference from other groups, such as `lambda 0.3`. */
  readonly name: string;
  readonly runs: readonly ComparedRun[];
  readonly settings: Readonly<Record<string, Setting>>;
}

/** Runs grouped by their differences. */
export interface RunComparison {
  /** The paths of settings that differ between runs. */
  readonly differing: readonly string[];
  readonly groups: readonly RunGroup[];
  /** All metrics that were measured in some run. */
  readonly metrics: readonly string[];
  /** All axes that were recorded in some run. */
  readonly axes: readonly ComparisonAxis[];
  /** Runs left out because they repeat the settings and the seed of another run. */
  readonly repeated: readonly string[];
}

/** Groups runs, the group of the first run first. */
export function compareRuns(runs: readonly ComparedRun[]): RunComparison {
  const paths = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const differing = paths.filter((path) => new Set(runs.map((run) => valueText(run.settings[path]))).size > 1);
  const kinds = new Set(runs.map(({ kind }) => kind));
  const groups = new Map<string, ComparedRun[]>();
  const repeated: string[] = [];
  for (const run of runs) {
    const values = differing.flatMap((path) => valueOf(path, run.settings));
    const name = [...(kinds.size > 1 ? [run.kind] : []), ...values].join(', ') || 'all runs';
    const members = groups.get(name) ?? [];
    if (members.some(({ seed }) => seed === run.seed)) repeated.push(run.path);
    else groups.set(name, [...members, run]);
  }
  const measured = new Set(runs.flatMap(({ curve }) => curve.flatMap(({ measures }) => Object.keys(measures))));
  const others = [...measured].filter((name) => !FIRST_METRICS.some((first) => first === name)).toSorted();
  return {
    differing,
    repeated,
    groups: [...groups].map(([name, members]) => ({ name, runs: members, settings: members[0]?.settings ?? {} })),
    metrics: [...FIRST_METRICS.filter((name) => measured.has(name)), ...others],
    axes: COMPARISON_AXES.filter((axis) => axis === 'step' || runs.some(({ curve }) => curve.some((point) => placeOf(point, axis) !== undefined))), // prettier-ignore
  };
}

/** The settings in which a run differs from another, in words. */
export function differencesFrom(base: RunSummary, run: RunSummary): string[] {
  const paths = new Set([...Object.keys(base.settings), ...Object.keys(run.settings)]);
  const changed = [...paths].filter((path) => valueText(base.settings[path]) !== valueText(run.settings[path]));
  return changed.map((path) => settingLabel(path, valueText(run.settings[path]) || 'not set'));
}

/** The last value of a metric in a run; null if it was never measured. */
export function lastValue({ curve }: RunSummary, metric: string): number | null {
  return curve.findLast(({ measures }) => typeof measures[metric] === 'number')?.measures[metric] ?? null;
}

/**
 * The comparison as a report.
 *
 * @param metrics - those to show; by default the first ones that were measured
 * @param axis - of the curves
 */
export function comparisonReport(
  comparison: RunComparison,
  metrics = comparison.metrics.slice(0, 7),
  axis: ComparisonAxis = 'step',
): Report {
  const { differing, groups, repeated } = comparison;
  const arms = groups.map(({ name, runs }) => ({
    name,
    seeds: runs.map((run) => {
      return { seed: run.seed, metrics: Object.fromEntries(metrics.map((metric) => [metric, lastValue(run, metric)])) };
    }),
  }));
  const [base, ...rivals] = arms;
  const differences = rivals.flatMap(({ name }) =>
    metrics.flatMap((metric) => {
      const values = pairedDifferences(metricBySeed(arms, name, metric), metricBySeed(arms, base?.name ?? '', metric));
      if (values.length === 0) return [];
      const { n, mean, low, high, outcome } = decide(values);
      const says = outcome === 'undecided' || outcome === 'preliminary' ? outcome : mean > 0 ? 'higher' : 'lower';
      return [[name, metric, signed(mean), signedInterval(low, high), n, says]];
    }),
  );
  const watched = groups.flatMap(({ runs }) =>
    runs.flatMap(({ path, watch, best }) => (watch && best ? [[path, ...bestTexts(watch, best)]] : [])),
  );
  const unfinished = groups.flatMap(({ runs }) => runs.filter(({ step, steps }) => step < steps));
  return {
    title: 'Runs compared',
    blocks: [
      heading('What differs'),
      differing.length === 0
        ? paragraph('Nothing but the seed.')
        : table(['Setting', ...groups.map(({ name }) => name)], differing.map((path) => [path, ...groups.map(({ settings }) => valueText(settings[path]))])), // prettier-ignore
      heading('Last measurements'),
      paragraph("Mean and half of the 95 % interval over seeds (Student's t)."),
      table(
        ['Runs', 'n', ...metrics],
        arms.map((arm) => [arm.name, arm.seeds.length, ...metrics.map((metric) => meanText(metricMean(arm, metric)))]),
      ),
      ...differenceBlocks(base?.name ?? '', differences),
      ...(repeated.length === 0
        ? []
        : [paragraph(`Left out, because another run has the same settings and seed: ${repeated.join(', ')}.`)]),
      ...(unfinished.length === 0
        ? []
        : [
            heading('Not to the last step'),
            list(unfinished.map(({ path, step, steps, state }) => [`${path}: step ${step} of ${steps}${state === 'finished' ? ', ended early by its rule' : ''}`])), // prettier-ignore
          ]),
      ...(watched.length === 0
        ? []
        : [heading('Best checkpoints'), table(['Run', 'Measure', 'Best', 'At step'], watched)]),
      ...(groups.some(({ runs }) => runs.some(({ curve }) => curve.length > 1))
        ? [curvesOf(comparison, metrics, axis)]
        : []),
    ],
  };
}

/** The measure, its best value and the step of a run with a rule. */
function bestTexts({ metric }: RunWatch, { value, step }: RunBest): [string, string, number] {
  return [`${metric} (${isLowerBetter(metric) ? 'lowest' : 'highest'})`, value.toFixed(4), step];
}

function differenceBlocks(base: string, rows: readonly (readonly (string | number)[])[]): ReportBlock[] {
  if (rows.length === 0) return [];
  return [
    heading(`Differences from ${base}, seed by seed`),
    table(['Runs', 'Measure', 'Difference', '95 %', 'n', 'It is'], rows),
    paragraph(
      `With fewer than ${SEEDS_FOR_A_CLAIM} seeds in common, a difference is preliminary and supports no claim.`,
    ),
  ];
}

/** The curves of some measures. @param file - the name of the drawing */
export function curvesOf(
  { groups }: RunComparison,
  metrics: readonly string[],
  axis: ComparisonAxis,
  file = 'compare.svg',
): ReportBlock {
  const plot = {
    kind: 'curves' as const,
    title: 'Runs compared',
    legend: groups.map(({ name }) => name),
    endText: END_TEXTS[axis],
    panels: metrics.map((metric) => ({ heading: metric, lines: groups.map(({ runs }) => bandOf(runs, metric, axis)) })),
  };
  return { kind: 'plot', file, caption: CAPTIONS[axis], plot };
}

const CAPTIONS: Readonly<Record<ComparisonAxis, string>> = {
  step: 'Curves over steps',
  tokens: 'Curves over the tokens learned from',
  time: 'Curves over computing time',
};
const END_TEXTS: Readonly<Record<ComparisonAxis, (at: number) => string>> = {
  step: (at) => `${at} steps`,
  tokens: (at) => `${at.toLocaleString('en')} tokens`,
  time: (at) => `${Number((at / 60_000).toPrecision(3))} min`,
};

/** The place of a measurement on an axis; undefined where it was not recorded. */
function placeOf({ step, tokens, activeMs }: RunPoint, axis: ComparisonAxis): number | undefined {
  switch (axis) {
    case 'step':
      return step;
    case 'tokens':
      return tokens;
    case 'time':
      return activeMs;
    default:
      return axis satisfies never;
  }
}

/** The mean over the runs of a group at each step where all of them were measured, at the mean of their places. */
function bandOf(runs: readonly ComparedRun[], metric: string, axis: ComparisonAxis): CurvePoint[] {
  const steps = runs[0]?.curve.map(({ step }) => step) ?? [];
  return steps.flatMap((step) => {
    const found = runs.flatMap(({ curve }) => {
      const point = curve.find((one) => one.step === step);
      const [value, at] = [point?.measures[metric], point && placeOf(point, axis)];
      return typeof value === 'number' && at !== undefined ? [{ value, at }] : [];
    });
    if (found.length < runs.length) return [];
    const values = found.map(({ value }) => value);
    const { mean, low, high } = meanInterval(values);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const at = Math.round(found.reduce((sum, one) => sum + one.at, 0) / found.length);
    return [
      { at, mean, low: Number.isFinite(low) ? low : mean, high: Number.isFinite(high) ? high : mean, least, most },
    ];
  });
}

/** Every measurement of every run, one row each, for other programs. */
export function* longRows({ groups }: RunComparison): Generator<readonly (string | number)[]> {
  for (const { name: group, runs } of groups) {
    for (const { path, kind, seed, curve } of runs) {
      for (const { step, measures, tokens = '', activeMs = '' } of curve) {
        for (const [metric, value] of Object.entries(measures)) {
          if (value !== null) yield [path, kind, group, seed, step, metric, value, tokens, activeMs];
        }
      }
    }
  }
}
/** The columns of {@link longRows}. */
export const LONG_COLUMNS = ['run', 'kind', 'group', 'seed', 'step', 'metric', 'value', 'tokens', 'activeMs'] as const;

function valueOf(path: string, settings: RunSummary['settings']): string[] {
  const value = settings[path];
  return value === undefined ? [] : [settingLabel(path, String(value))];
}

function valueText(value: Setting | undefined): string {
  return value === undefined ? '' : String(value);
}
