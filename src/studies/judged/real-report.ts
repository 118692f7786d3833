/**
 * What a recipe on real judgments found, as a report and a plot. Every number comes from the results file.
 */
import type { Measured } from '../../relevance/metrics/label-report.ts';
import { MEASURE_NAMES, REAL_MEASURES, type RealMeasure } from './real-measures.ts';
import { COMPARED_WITH, type RealResults } from './real-results.ts';
import { escaped, type Report, type ReportBlock } from '../report-blocks.ts';
import { signed } from '../student-t.ts';

/** The report of a recipe. */
export function realReport(results: RealResults): Report {
  const { id, title, terms, device, commit, folds, config, human, systems, differences, reasoning, verdict } = results;
  const { planned, run, inFile, drawn, queries, pairs } = folds;
  return {
    title: `${id}: ${title}`,
    blocks: [
      { kind: 'text', text: verdict },
      {
        kind: 'text',
        text:
          `${run} of ${planned} folds by query${run < planned ? ' (preliminary)' : ''}; the test parts hold ${queries} queries and ${pairs} ` +
          `judged pairs. ${drawn < inFile ? `${drawn} of the ${inFile} queries in the file were drawn, to be quick. ` : ''}One seed. ${device}, commit ${commit}. 95 % intervals are a bootstrap over test queries; they say ` +
          `nothing about other seeds. ${terms}`,
      },
      { kind: 'heading', text: 'Systems on the test queries of all folds' },
      systemsTable(systems),
      ...humanBlocks(human),
      { kind: 'figure', file: `${id}.svg`, caption: 'Each system with its interval', svg: realSvg(results) },
      ...partialBlocks(systems, queries),
      { kind: 'heading', text: `Differences from ${COMPARED_WITH}, paired by query` },
      differencesTable(differences),
      { kind: 'heading', text: 'Reasons' },
      {
        kind: 'table',
        head: ['Model', 'completions', 'valid traces', 'steps verified', 'trace implies label', 'rules cited'],
        rows: reasoning.map((row) => [
          row.system,
          String(row.completions),
          shown(row.validTraces),
          shown(row.verifiedSteps),
          shown(row.labelTraceAgreement),
          row.distinctRules.toFixed(1),
        ]),
      },
      { kind: 'heading', text: 'Instructions and traces, by fold' },
      {
        kind: 'table',
        head: ['Fold', 'rules', 'pairs to learn from', 'with a verified trace', 'contradicting', 'not covered'],
        rows: results.instructions.map((row) => [
          String(row.fold + 1),
          String(row.rules),
          String(row.traces.pairs),
          String(row.traces.traced),
          String(row.traces.contradicting),
          String(row.traces.uncovered),
        ]),
      },
      ...miningBlocks(results.mining),
      { kind: 'heading', text: 'Settings' },
      { kind: 'text', text: JSON.stringify(config) },
    ],
  };
}

/** A row of measures for each system. */
export function systemsTable(systems: RealResults['systems']): ReportBlock {
  return measureTable(systems, ({ value, low, high }) =>
    value === null
      ? 'none'
      : low === undefined || high === undefined
        ? value.toFixed(3)
        : `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`,
  );
}

/** A row of differences for each system. */
export function differencesTable(differences: RealResults['differences']): ReportBlock {
  return measureTable(differences, ({ value, low, high }) =>
    value === null || low === undefined || high === undefined
      ? 'none'
      : `${signed(value)} (${signed(low)} to ${signed(high)})`,
  );
}

function measureTable(rows: RealResults['systems'], show: (measured: Measured) => string): ReportBlock {
  return {
    kind: 'table',
    head: ['System', 'queries', ...REAL_MEASURES.map((name) => MEASURE_NAMES[name])],
    rows: rows.map(({ system, queries, measures }) => [
      system,
      String(queries),
      ...REAL_MEASURES.map((name) => show(measures[name])),
    ]),
  };
}

/** Systems that were not run on all folds cannot be read beside those that were; their differences can. */
function partialBlocks(systems: RealResults['systems'], all: number): ReportBlock[] {
  const partial = systems.filter(({ queries }) => queries < all).map(({ system, queries }) => `${system} (${queries})`);
  if (partial.length === 0) return [];
  const text =
    `Measured on fewer than the ${all} test queries, and to be compared by differences only, which are taken on shared ` +
    `queries: ${partial.join(', ')}.`;
  return [{ kind: 'text', text }];
}

function miningBlocks(mining: RealResults['mining']): ReportBlock[] {
  if (mining.length === 0) return [];
  return [
    { kind: 'heading', text: 'Mining, by fold' },
    {
      kind: 'table',
      head: ['Fold', 'pairs', 'completions', 'with the right label', 'hard pairs', 'hard negatives', 'come again'],
      rows: mining.map((row) => [
        String(row.fold + 1),
        String(row.pairs),
        String(row.completions),
        row.rightShare.toFixed(3),
        String(row.hard),
        String(row.hardNegatives),
        String(row.again),
      ]),
    },
  ];
}

function humanBlocks(human: RealResults['human']): ReportBlock[] {
  if (human === null) return [];
  const { accuracy, qwk, comparisons } = human;
  const text = `One annotator against another, ${comparisons} comparisons on the test pairs: accuracy ${shown(accuracy)}, QWK ${shown(qwk)}.`;
  return [{ kind: 'text', text }];
}

function shown(value: number | null): string {
  return value === null ? 'none' : value.toFixed(3);
}

const PANEL = { width: 300, left: 150, row: 22, top: 34 } as const;
const COLUMNS = 2;

/** Measures as dots with their intervals: a panel per measure, a row per system. */
export function realSvg({ title, systems }: Pick<RealResults, 'title' | 'systems'>): string {
  const height = PANEL.top + systems.length * PANEL.row + 26;
  const [width, rows] = [PANEL.left + PANEL.width + 30, Math.ceil(REAL_MEASURES.length / COLUMNS)];
  const panels = REAL_MEASURES.map((name, i) => {
    const [x, y] = [(i % COLUMNS) * width, Math.floor(i / COLUMNS) * height];
    return `<g transform="translate(${x} ${y})">${panelOf(name, systems)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * width} ${rows * height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panelOf(name: RealMeasure, systems: RealResults['systems']): string {
  const xOf = (value: number): string => (PANEL.left + Math.max(0, value) * PANEL.width).toFixed(1);
  const bottom = PANEL.top + systems.length * PANEL.row;
  const marks = systems.map(({ system, measures }, i) => {
    const y = PANEL.top + i * PANEL.row + 8;
    const { value, low, high } = measures[name];
    const bar =
      low === undefined || high === undefined
        ? ''
        : `<path d="M${xOf(low)} ${y}H${xOf(high)}" stroke="#0072b2" stroke-width="2"/>`;
    const dot = value === null ? '' : `<circle cx="${xOf(value)}" cy="${y}" r="4" fill="#0072b2"/>`;
    return `<text x="${PANEL.left - 8}" y="${y + 4}" text-anchor="end">${escaped(system)}</text>${bar}${dot}`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) =>
      `<path d="M${xOf(tick)} ${PANEL.top - 6}V${bottom}" stroke="#ddd"/>` +
      `<text x="${xOf(tick)}" y="${bottom + 14}" text-anchor="middle">${tick}</text>`,
  );
  return `<text x="${PANEL.left}" y="18" font-weight="600">${MEASURE_NAMES[name]}</text>${ticks.join('')}${marks.join('')}`;
}
