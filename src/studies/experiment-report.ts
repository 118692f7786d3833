/**
 * The report of an experiment whose arms are runs: findings, all arms, comparisons at equal tokens, and curves. Every
 * number comes from the results file.
 */
import {
  type ExperimentResults,
  METRIC_NAMES,
  type MetricName,
  type ResultPoint,
  type SeedResult,
  SEEDS_FOR_A_CLAIM,
} from '../protocol/experiment-results.ts';
import { atEqualTokens } from './equal-tokens.ts';
import { meanText, metricMean, signedInterval } from './findings.ts';
import type { CurvePoint, Plot } from './plot.ts';
import { heading, list, paragraph, type Report, type ReportBlock, table } from './report.ts';
import { meanInterval, signed } from '../common/student-t.ts';

type Arms = ExperimentResults['arms'];

/** The meaning of each metric, as a clause. */
const MEANINGS: Readonly<Record<MetricName, string>> = {
  reward: "mean reward of sampled answers to the run's own prompts, by the run's own reward",
  rewardGain: 'the same, less what the start earns on these prompts',
  tailRecall: 'gold rules of the tail that greedy answers cite',
  headRecall: 'gold rules of the head that greedy answers cite',
  distinctRules: 'different rules cited in all greedy answers',
  accuracy: 'labels right',
  gapClosed: 'share of the gap in accuracy between the student without a teacher and the teacher that is closed',
  macroF1: 'macro-F1 of the labels',
  tailLabels: 'labels right where gold cites a rule of the tail, mean over these rules',
  pairAccuracy: 'pairs of documents of one query in the right order',
  labelEntropy: 'entropy of the label distribution, nats',
  reasoningEntropy: 'entropy of the policy where it writes reasoning, nats',
  strictReward: 'mean strict reward of greedy answers, whatever the run was rewarded for',
  verifiedSteps: 'steps that live execution verifies',
  labelTraceAgreement: 'answers whose steps imply their label',
  validTraces: 'answers that follow the grammar',
  expertLoss: "negative log-likelihood of the expert's completions, nats per token",
  collapsed: 'share of seeds that collapsed as the lab defines it',
  answered:
    'answers with a label in its place; where there is none, the label is read there, or after everything written',
  tokensToLabel: 'tokens written up to and including the label',
  passesToLabel: 'forward passes until the label can be read, that over the prompt included',
  msToLabel: 'milliseconds from the prompt to the label of one pair by itself, median, on the device named above',
};

/** The panels of the plot, with their titles. */
const PANELS = [
  ['reward', 'Reward on the own prompts'],
  ['tailRecall', 'Tail recall'],
  ['headRecall', 'Head recall'],
  ['distinctRules', 'Distinct rules cited'],
  ['accuracy', 'Label accuracy'],
  ['pairAccuracy', 'Pair accuracy'],
  ['labelEntropy', 'Label entropy, nats'],
  ['reasoningEntropy', 'Reasoning entropy, nats'],
] as const satisfies readonly (readonly [keyof ResultPoint, string])[];

/** The report. */
export function experimentReport(results: ExperimentResults): Report {
  const { id, title, question, device, commit, arms, findings } = results;
  const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
  const names = tableMetrics(arms);
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(question),
      paragraph(
        `${seeds} seeds per arm${seeds < SEEDS_FOR_A_CLAIM ? ' (preliminary: too few to claim anything)' : ''}, ` +
          `${device}, commit ${commit}. Mean and 95 % interval over seeds (Student's t). Made by `,
        { code: `npm run lab -- experiment ${id} --seeds ${seeds}` },
        '.',
      ),
      heading('What the runs say'),
      table(
        ['Claim', 'Outcome', 'Difference', '95 %', 'n'],
        findings.map(({ claim, metric, n, mean, low, high, outcome }) => {
          return [claim, outcome, `${metric} ${signed(mean)}`, signedInterval(low, high), n];
        }),
      ),
      heading('All arms'),
      table(
        ['Arm', 'n', ...names, 'tokens'],
        arms.map((arm) => [
          arm.name,
          arm.seeds.length,
          ...names.map((name) => meanText(metricMean(arm, name))),
          tokensText(arm),
        ]),
      ),
      list([
        ...names.map((name) => [{ term: name }, `: ${MEANINGS[name]}`]),
        [{ term: 'tokens' }, ': input tokens learned from, and those that the model wrote itself, in thousands'],
      ]),
      ...equalTokensBlocks(results),
      heading('Over time'),
      { kind: 'plot', file: `${id}.svg`, caption: 'Curves', plot: curvesOf(results) },
    ],
  };
}

/** The metrics of the table, in its order: those that some arm has. */
function tableMetrics(arms: Arms): MetricName[] {
  const names = METRIC_NAMES.filter((name) => name !== 'expertLoss' && name !== 'validTraces');
  return names.filter((name) => arms.some((arm) => metricMean(arm, name) !== undefined));
}

/** Empty where curves have no tokens. */
function equalTokensBlocks(results: ExperimentResults): ReportBlock[] {
  const rows = atEqualTokens(results).map(({ claim, metric, tokens, difference: { n, mean, low, high } }) => {
    return [claim, `${metric} ${signed(mean)}`, signedInterval(low, high), Math.round(tokens / 1000), n];
  });
  if (rows.length === 0) return [];
  return [
    heading('At equal tokens'),
    paragraph(
      'Arms make equal steps and not equal tokens. Here each difference is taken where the arm that took fewer ' +
        'tokens (written and learned from, together) ends, on dev pairs.',
    ),
    table(['Claim', 'Difference', '95 %', 'Tokens (thousands)', 'n'], rows),
  ];
}

/** The tokens of a run, averaged over its seeds. */
function tokensText({ seeds }: Arms[number]): string {
  const thousands = (count: (tokens: SeedResult['tokens']) => number): string =>
    Math.round(seeds.reduce((sum, { tokens }) => sum + count(tokens), 0) / seeds.length / 1000).toLocaleString('en');
  if (seeds.length === 0) return '';
  return `${thousands(({ learned, expert }) => learned + expert)}, ${thousands(({ generated }) => generated)}`;
}

/** One panel per metric, one line per arm with the band of its 95 % interval; arms without a curve are left out. */
function curvesOf({ title, arms }: ExperimentResults): Plot {
  const drawn = arms.filter(({ seeds }) => seeds.some(({ curve }) => curve.length > 1));
  const panels = PANELS.map(([name, text]) => ({ heading: text, lines: drawn.map((arm) => bandOf(arm, name)) }));
  return {
    kind: 'curves',
    title,
    legend: drawn.map(({ name }) => name),
    panels: panels.filter(({ lines }) => lines.some((line) => line.length > 0)),
  };
}

/** The mean over seeds at every step with its interval, or without one for a single seed. */
function bandOf({ seeds }: Arms[number], name: keyof ResultPoint): CurvePoint[] {
  const byStep = new Map<number, number[]>();
  for (const point of seeds.flatMap(({ curve }) => curve)) {
    const value = point[name];
    if (value !== null && value !== undefined) byStep.set(point.step, [...(byStep.get(point.step) ?? []), value]);
  }
  return [...byStep]
    .toSorted(([a], [b]) => a - b)
    .map(([step, values]) => {
      const { mean, low, high } = meanInterval(values);
      return { at: step, mean, low: Number.isFinite(low) ? low : mean, high: Number.isFinite(high) ? high : mean };
    });
}
