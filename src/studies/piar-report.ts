/**
 * The report of a finished refinement: the changes, which were accepted or rejected and why, and the agreement of the
 * first and the last instruction with people on queries that were not used for any choice.
 */
import { instructionToText } from '../relevance/rules/instruction.ts';
import type { LabelScale } from '../relevance/pair/labels.ts';
import type { SplitMeasure } from '../relevance/piar/piar-measure.ts';
import type { PiarHistory, PiarRound } from '../relevance/piar/piar.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import { threeDecimals } from './findings.ts';
import { heading, type Inline, list, paragraph, type Report, type ReportBlock, table } from './report.ts';

/** The report's inputs besides the history. */
export interface ReportFacts {
  /** Of the pairs file. */
  readonly name: string;
  readonly scale: LabelScale;
  readonly seed: number;
  /** Over the train, dev and test splits, with the last instruction. */
  readonly traces: SynthesisCounts;
}

/** The report. */
export function piarReport(history: PiarHistory, { name, scale, seed, traces }: ReportFacts): Report {
  const { first, last, rounds, test, train, dev } = history;
  return {
    title: `Refining an instruction on ${name}`,
    blocks: [
      paragraph(
        `Refiner: ${history.refiner}. ${rounds.length} rounds; stopped: ${history.stopped}. Split seed ${seed}: ` +
          `${train.queries} queries to propose on, ${dev.queries} to accept by, ${test.last.queries} to report on, ` +
          `none in two. Instruction ${first.hash} (${first.instruction.rules.length} rules) became ${last.hash} ` +
          `(${last.instruction.rules.length} rules).`,
      ),
      heading('On the test queries, read once'),
      table(
        ['', 'first', 'last'],
        MEASURES.map(([label, of]) => [label, threeDecimals(of(test.first)), threeDecimals(of(test.last))]),
      ),
      paragraph(
        `Always the most frequent label: ${majorityOf(test.first).toFixed(3)}. Labels are compared pair by pair; a ` +
          'pair on which no rule fires counts as wrong.',
      ),
      heading('Confusion, first instruction', 3),
      confusionTable(test.first, scale),
      heading('Confusion, last instruction', 3),
      confusionTable(test.last, scale),
      heading('Rounds'),
      table(
        ['round', 'rules', 'train accuracy', 'dev accuracy', 'kept', 'refused'],
        [
          ...rounds.map(roundRow),
          ['end', last.instruction.rules.length, threeDecimals(train.accuracy), threeDecimals(dev.accuracy), '', ''],
        ],
      ),
      ...rounds.flatMap(roundBlocks),
      heading('The last instruction'),
      paragraph(instructionToText(last.instruction, scale)),
      heading('Traces'),
      paragraph(
        `Of ${traces.pairs} judged pairs, ${traces.traced} have a verified trace to their gold label. ` +
          `${traces.contradicting} contradict it and ${traces.uncovered} are not covered: these have none. ` +
          `${traces.unverified} did not verify.`,
      ),
    ],
  };
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

function confusionTable({ confusion, uncovered }: SplitMeasure, { names }: LabelScale): ReportBlock {
  return table(
    ['people \\ instruction', ...names, 'no rule fires'],
    confusion.map((row, label) => [names[label] ?? label, ...row, uncovered[label] ?? 0]),
  );
}

function roundRow({ round, rules, train, dev, proposals }: PiarRound): (string | number)[] {
  const kept = proposals.filter(({ accepted }) => accepted).length;
  const accuracies = [threeDecimals(train.accuracy), threeDecimals(dev.accuracy)];
  return [round, rules, ...accuracies, kept, proposals.length - kept];
}

function roundBlocks({ round, errors, proposals }: PiarRound): ReportBlock[] {
  const groups = errors.slice(0, 3).map(({ gold, predicted, rule, pairs, queries }): Inline[] => {
    const counts = `${pairs} pairs of ${queries} queries: people say ${gold}, `;
    return rule === undefined ? [`${counts}no rule fires`] : [counts, { code: rule }, ` says ${predicted}`];
  });
  const outcomes = proposals.map(({ accepted, described, rationale, reason }): Inline[] => {
    const why = rationale === '' ? reason : `${oneLine(rationale)}; ${reason}`;
    const said = `: ${oneLine(described.join('; '))} (${oneLine(why)})`;
    return accepted ? [{ strong: 'kept' }, said] : [`refused${said}`];
  });
  return [
    heading(`Round ${round}`, 3),
    paragraph('Largest errors on train:'),
    list(groups.length === 0 ? [['none']] : groups),
    paragraph('Proposals:'),
    list(outcomes.length === 0 ? [['none']] : outcomes),
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
