/**
 * The results of an experiment as a page of Markdown and as plots: every number comes from the results file.
 */
import {
  type ExperimentResults,
  type Finding,
  METRIC_NAMES,
  type MetricName,
  type SeedResult,
  SEEDS_FOR_A_CLAIM,
} from '../protocol/experiment-results.ts';
import { atEqualTokens } from './equal-tokens.ts';
import { type MeanInterval, meanInterval, signed } from './student-t.ts';

/** The metrics of the table, in its order: those that some arm has. */
function tableMetrics(arms: ExperimentResults['arms']): MetricName[] {
  const names = METRIC_NAMES.filter((name) => name !== 'expertLoss' && name !== 'validTraces');
  return names.filter((name) => arms.some((arm) => armMetric(arm, name) !== undefined));
}

/** What each metric is, in a clause. */
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
    'answers in which a label comes in its place; where none does, it is asked for there, or after what was written',
  tokensToLabel: 'tokens written until the label stands, itself included',
  passesToLabel: 'forward passes until the label can be read, that over the prompt included',
  msToLabel: 'milliseconds from the prompt to the label of one pair by itself, median, on the device named above',
};

/** The results in Markdown. */
export function resultsMarkdown(results: ExperimentResults): string {
  const { id, title, question, device, commit, arms, findings } = results;
  const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
  return [
    `# ${id}: ${title}`,
    question,
    `${seeds} seeds per arm${seeds < SEEDS_FOR_A_CLAIM ? ' (preliminary: too few to claim anything)' : ''}, ` +
      `${device}, commit ${commit}. Mean and 95 % interval over seeds (Student's t). Made by ` +
      `\`npm run lab -- experiment ${id} --seeds ${seeds}\`.`,
    '## What the runs say',
    findingsTable(findings),
    '## All arms',
    armsTable(arms),
    [
      ...tableMetrics(arms).map((name) => `- *${name}*: ${MEANINGS[name]}`),
      '- *tokens*: input tokens learned from, and those that the model wrote itself, in thousands',
    ].join('\n'),
    ...equalTokensSection(results),
    `## Over time\n\n![Curves](${id}.svg)`,
  ].join('\n\n');
}

function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ claim, metric, n, mean, low, high, outcome }) => {
    const interval = low === null || high === null ? 'unknown' : `${signed(low)} to ${signed(high)}`;
    return `| ${claim} | ${outcome} | ${metric} ${signed(mean)} | ${interval} | ${n} |`;
  });
  return ['| Claim | Outcome | Difference | 95 % | n |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** Nothing where curves do not tell tokens. */
function equalTokensSection(results: ExperimentResults): string[] {
  const rows = atEqualTokens(results).map(({ claim, metric, tokens, difference: { n, mean, low, high } }) => {
    const interval = Number.isFinite(low) ? `${signed(low)} to ${signed(high)}` : 'unknown';
    return `| ${claim} | ${metric} ${signed(mean)} | ${interval} | ${Math.round(tokens / 1000)} | ${n} |`;
  });
  if (rows.length === 0) return [];
  const head = ['| Claim | Difference | 95 % | Tokens (thousands) | n |', '|---|---|---|---|---|'];
  return [
    '## At equal tokens',
    'Arms make equal steps and not equal tokens. Here each difference is taken where the arm that took fewer tokens (written ' +
      'and learned from, together) ends, on dev pairs.',
    [...head, ...rows].join('\n'),
  ];
}

function armsTable(arms: ExperimentResults['arms']): string {
  const names = tableMetrics(arms);
  const head = `| Arm | n | ${names.join(' | ')} | tokens |`;
  const rule = `|---|---|${names.map(() => '---').join('|')}|---|`;
  const rows = arms.map((arm) => {
    const cells = names.map((name) => spoken(armMetric(arm, name)));
    return `| ${arm.name} | ${arm.seeds.length} | ${cells.join(' | ')} | ${spokenTokens(arm)} |`;
  });
  return [head, rule, ...rows].join('\n');
}

/** A metric of an arm over its seeds; undefined if no seed has it. */
export function armMetric({ seeds }: ExperimentResults['arms'][number], name: MetricName): MeanInterval | undefined {
  const values = seeds.flatMap(({ metrics }) => metrics[name] ?? []);
  return values.length === 0 ? undefined : meanInterval(values);
}

/** The tokens of a run, on average over its seeds. */
function spokenTokens({ seeds }: ExperimentResults['arms'][number]): string {
  const thousands = (count: (tokens: SeedResult['tokens']) => number): string =>
    Math.round(seeds.reduce((sum, { tokens }) => sum + count(tokens), 0) / seeds.length / 1000).toLocaleString('en');
  if (seeds.length === 0) return '';
  return `${thousands(({ learned, expert }) => learned + expert)}, ${thousands(({ generated }) => generated)}`;
}

function spoken(interval: MeanInterval | undefined): string {
  if (interval === undefined) return '';
  const digits = Math.abs(interval.mean) >= 10 ? 1 : 3;
  const half = (interval.high - interval.low) / 2;
  return Number.isFinite(half) && half > 0
    ? `${interval.mean.toFixed(digits)} ± ${half.toFixed(digits)}`
    : interval.mean.toFixed(digits);
}
