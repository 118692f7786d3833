/**
 * The report of a recipe on real judgments, with a plot. Every number comes from the results file.
 */
import { measuredText, threeDecimals } from '../findings.ts';
import type { Plot } from '../plot.ts';
import { columns, heading, paragraph, type Report, type ReportBlock, table } from '../report.ts';
import { signed } from '../../common/student-t.ts';
import { MEASURE_NAMES, REAL_MEASURES } from '../../relevance/metrics/compared-systems.ts';
import { COMPARED_WITH, type RealResults, type SystemMeasures } from './real-results.ts';

/** The report of a recipe. */
export function realReport(results: RealResults): Report {
  const { id, title, terms, device, commit, folds, config, human, systems, differences, reasoning, verdict } = results;
  const { planned, run, inFile, drawn, queries, pairs } = folds;
  const preliminary = run < planned ? ' (preliminary)' : '';
  const sample = drawn < inFile ? `${drawn} of the ${inFile} queries in the file were drawn, to be quick. ` : '';
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(verdict),
      paragraph(
        `${run} of ${planned} folds by query${preliminary}; the test parts hold ${queries} queries and ${pairs} ` +
          `judged pairs. ${sample}One seed. ${device}, commit ${commit}. 95 % intervals are a bootstrap over test ` +
          `queries; they say nothing about other seeds. ${terms}`,
      ),
      heading('Systems on the test queries of all folds'),
      systemsTable(systems),
      ...humanBlocks(human),
      { kind: 'plot', file: `${id}.svg`, caption: 'Each system with its interval', plot: systemsPlot(title, systems) },
      ...partialBlocks(systems, queries),
      heading(`Differences from ${COMPARED_WITH}, paired by query`),
      differencesTable(differences),
      heading('Reasons'),
      columns(reasoning, {
        Model: ({ system }) => system,
        completions: ({ completions }) => completions,
        'valid traces': ({ validTraces }) => threeDecimals(validTraces),
        'steps verified': ({ verifiedSteps }) => threeDecimals(verifiedSteps),
        'trace implies label': ({ labelTraceAgreement }) => threeDecimals(labelTraceAgreement),
        'rules cited': ({ distinctRules }) => distinctRules.toFixed(1),
      }),
      heading('Instructions and traces, by fold'),
      table(
        ['Fold', 'rules', 'pairs to learn from', 'with a verified trace', 'contradicting', 'not covered'],
        results.instructions.map(({ fold, rules, traces }) => {
          return [fold + 1, rules, traces.pairs, traces.traced, traces.contradicting, traces.uncovered];
        }),
      ),
      ...miningBlocks(results.mining ?? []),
      heading('Settings'),
      paragraph(JSON.stringify(config)),
    ],
  };
}

/** A row of measures for each system. */
export function systemsTable(systems: readonly SystemMeasures[]): ReportBlock {
  return measuresTable(systems);
}

/** A row of differences for each system. */
export function differencesTable(differences: readonly SystemMeasures[]): ReportBlock {
  return measuresTable(differences, signed);
}

function measuresTable(rows: readonly SystemMeasures[], show?: (value: number) => string): ReportBlock {
  return table(
    ['System', 'queries', ...REAL_MEASURES.map((name) => MEASURE_NAMES[name])],
    rows.map(({ system, queries, measures }) => [
      system,
      queries,
      ...REAL_MEASURES.map((name) => measuredText(measures[name], show)),
    ]),
  );
}

/** Measures as dots with their intervals: a panel per measure, a row per system. */
export function systemsPlot(title: string, systems: readonly SystemMeasures[]): Plot {
  const panels = REAL_MEASURES.map((name) => ({
    heading: MEASURE_NAMES[name],
    dots: systems.map(({ system, measures }) => ({ name: system, ...measures[name] })),
  }));
  return { kind: 'dots', title, panels };
}

/** Systems that were not run on all folds are comparable with the others by their differences only. */
function partialBlocks(systems: readonly SystemMeasures[], all: number): ReportBlock[] {
  const partial = systems.filter(({ queries }) => queries < all).map(({ system, queries }) => `${system} (${queries})`);
  if (partial.length === 0) return [];
  return [
    paragraph(
      `Measured on fewer than the ${all} test queries, and to be compared by differences only, which are taken on ` +
        `shared queries: ${partial.join(', ')}.`,
    ),
  ];
}

function miningBlocks(mining: NonNullable<RealResults['mining']>): ReportBlock[] {
  if (mining.length === 0) return [];
  return [
    heading('Mining, by fold'),
    table(
      ['Fold', 'pairs', 'completions', 'with the right label', 'hard pairs', 'hard negatives', 'come again'],
      mining.map(({ fold, pairs, completions, rightShare, hard, hardNegatives, again }) => {
        return [fold + 1, pairs, completions, threeDecimals(rightShare), hard, hardNegatives, again];
      }),
    ),
  ];
}

function humanBlocks(human: RealResults['human']): ReportBlock[] {
  if (human === null) return [];
  const { accuracy, qwk, comparisons } = human;
  return [
    paragraph(
      `One annotator against another, ${comparisons} comparisons on the test pairs: accuracy ` +
        `${threeDecimals(accuracy)}, QWK ${threeDecimals(qwk)}.`,
    ),
  ];
}
