/**
 * A finished refinement as a page of Markdown: what changed, what was kept and refused and why, and how the first and
 * the last instruction agree with people on queries that nothing was chosen by.
 */
import { instructionToText } from '../rules/instruction.ts';
import type { LabelScale } from '../pair/labels.ts';
import type { SplitMeasure } from './piar-measure.ts';
import type { PiarHistory, PiarRound } from './piar.ts';
import type { SynthesisCounts } from '../rules/trace-synthesis.ts';

/** What a report is told beside the history. */
export interface ReportFacts {
  /** Of the pairs file. */
  readonly name: string;
  readonly scale: LabelScale;
  readonly seed: number;
  /** Of the train, dev and test parts together, with the last instruction. */
  readonly traces: SynthesisCounts;
}

/** The report in Markdown. */
export function piarMarkdown(history: PiarHistory, { name, scale, seed, traces }: ReportFacts): string {
  const { first, last, rounds, test, train, dev } = history;
  const majority = majorityOf(test.first);
  return [
    `# Refining an instruction on ${name}`,
    `Refiner: ${history.refiner}. ${rounds.length} rounds; stopped: ${history.stopped}. Split seed ${seed}: ` +
      `${train.queries} queries to propose on, ${dev.queries} to accept by, ${test.last.queries} to report on, none in two. ` +
      `Instruction ${first.hash} (${first.instruction.rules.length} rules) became ${last.hash} ` +
      `(${last.instruction.rules.length} rules).`,
    '## On the test queries, read once',
    table(
      ['', 'first', 'last'],
      MEASURES.map(([label, of]) => [label, spoken(of(test.first)), spoken(of(test.last))]),
    ),
    `Always the most frequent label: ${majority.toFixed(3)}. Labels are compared pair by pair; a pair on which no rule ` +
      'fires counts as wrong.',
    '### Confusion, first instruction',
    confusionTable(test.first, scale),
    '### Confusion, last instruction',
    confusionTable(test.last, scale),
    '## Rounds',
    table(
      ['round', 'rules', 'train accuracy', 'dev accuracy', 'kept', 'refused'],
      [
        ...rounds.map(roundRow),
        ['end', `${last.instruction.rules.length}`, spoken(train.accuracy), spoken(dev.accuracy), '', ''],
      ],
    ),
    ...rounds.map(roundText),
    '## The last instruction',
    instructionToText(last.instruction, scale),
    '## Traces',
    `Of ${traces.pairs} judged pairs, ${traces.traced} have a verified trace to their gold label. ${traces.contradicting} ` +
      `contradict it and ${traces.uncovered} are not covered: these have none. ${traces.unverified} did not verify.`,
    '',
  ].join('\n\n');
}

const MEASURES: readonly (readonly [string, (measure: SplitMeasure) => number | null])[] = [
  ['accuracy', ({ accuracy }) => accuracy],
  ['coverage', ({ coverage }) => coverage],
  ['macro-F1', ({ macroF1 }) => macroF1],
  ['quadratic weighted kappa', ({ quadraticWeightedKappa }) => quadraticWeightedKappa],
  ['pair accuracy, label as score', ({ pairAccuracy }) => pairAccuracy],
  ['NDCG@10, label as score', ({ ndcg10 }) => ndcg10],
];

function majorityOf({ confusion, uncovered, pairs }: SplitMeasure): number {
  const gold = confusion.map((row, label) => row.reduce((sum, count) => sum + count, uncovered[label] ?? 0));
  return Math.max(...gold) / pairs;
}

function confusionTable({ confusion, uncovered }: SplitMeasure, { names }: LabelScale): string {
  return table(
    ['people \\ instruction', ...names, 'no rule fires'],
    confusion.map((row, label) => [names[label] ?? `${label}`, ...row.map(String), `${uncovered[label] ?? 0}`]),
  );
}

function roundRow({ round, rules, train, dev, proposals }: PiarRound): string[] {
  const kept = proposals.filter(({ accepted }) => accepted).length;
  const counts = [`${kept}`, `${proposals.length - kept}`];
  return [`${round}`, `${rules}`, spoken(train.accuracy), spoken(dev.accuracy), ...counts];
}

function roundText({ round, errors, proposals }: PiarRound): string {
  const groups = errors.slice(0, 3).map(({ gold, predicted, rule, pairs, queries }) => {
    const says = rule === undefined ? 'no rule fires' : `\`${rule}\` says ${predicted}`;
    return `- ${pairs} pairs of ${queries} queries: people say ${gold}, ${says}`;
  });
  const outcomes = proposals.map(({ accepted, described, rationale, reason }) => {
    const why = rationale === '' ? reason : `${oneLine(rationale)}; ${reason}`;
    return `- ${accepted ? '**kept**' : 'refused'}: ${oneLine(described.join('; '))} (${oneLine(why)})`;
  });
  return [
    `### Round ${round}`,
    'Largest errors on train:',
    groups.join('\n') || '- none',
    'Proposals:',
    outcomes.join('\n') || '- none',
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function spoken(value: number | null): string {
  return value === null ? 'nothing to measure' : value.toFixed(3);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
