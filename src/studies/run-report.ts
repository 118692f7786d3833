/**
 * A report of any set of runs, as files: the comparison in Markdown and HTML, a figure for each group of measures,
 * every measurement as a row, all of it as JSON, and how to cite it.
 */
import { LAB_VERSION } from '../common/version.ts';
import { tableLines } from '../data/files/table-writer.ts';
import type { ComparisonAxis } from '../protocol/runs.ts';
import { plotSvg } from './plot.ts';
import { comparisonReport, curvesOf, LONG_COLUMNS, longRows, type RunComparison } from './run-comparison.ts';
import { heading, type Report, type ReportBlock, reportHtml, reportMarkdown, table } from './report.ts';

/** The figures, in their order; each has those of its measures that some run has. */
const FIGURES: readonly (readonly [name: string, title: string, metrics: readonly string[]])[] = [
  ['labels', 'Labels', ['accuracy', 'macroF1', 'pairAccuracy']],
  ['reward', 'Reward and entropy', ['reward', 'strictReward', 'labelEntropyNats', 'reasoningEntropyNats']],
  [
    'rules',
    'Rules',
    ['tailRecall', 'headRecall', 'distinctRules', 'verifiedSteps', 'validTraces', 'labelTraceAgreement'],
  ],
  ['loss', 'Loss', ['lossNats', 'expertLossNats']],
];

/** The names of the files that a report may have. */
export const REPORT_FILES = [
  'report.md',
  'report.html',
  'report.csv',
  'report.json',
  'report.bib',
  ...FIGURES.map(([name]) => `report-${name}.svg`),
] as const;

/** The contents of the files by name. */
export function runReportFiles(comparison: RunComparison, axis: ComparisonAxis = 'step'): Map<string, string> {
  const report = runReport(comparison, axis);
  const figures = report.blocks.flatMap((block) =>
    block.kind === 'plot' ? [[block.file, plotSvg(block.plot)] as const] : [],
  );
  return new Map([
    ['report.md', reportMarkdown(report)],
    ['report.html', reportHtml(report)],
    ['report.csv', measurementsCsv(comparison)],
    ['report.json', `${JSON.stringify(comparison, null, 1)}\n`],
    ['report.bib', runsBibtex(comparison)],
    ...figures,
  ]);
}

/** The comparison with a list of the runs, and a figure for each group of measures. */
function runReport(comparison: RunComparison, axis: ComparisonAxis): Report {
  const { title, blocks } = comparisonReport(comparison, [...comparison.metrics], axis);
  const rows = comparison.groups.flatMap(({ name, runs }) =>
    runs.map(({ path, kind, seed, step, steps }) => [path, kind, name, seed, `${step} of ${steps}`]),
  );
  const figures = FIGURES.flatMap(([name, figureTitle, metrics]): ReportBlock[] => {
    const measured = metrics.filter((metric) => comparison.metrics.includes(metric));
    if (measured.length === 0) return [];
    return [heading(figureTitle, 3), curvesOf(comparison, measured, axis, `report-${name}.svg`)];
  });
  return {
    title,
    blocks: [
      ...blocks.filter(({ kind }) => kind !== 'plot'),
      ...(figures.length === 0 ? [] : [heading('Figures'), ...figures]),
      heading('Runs'),
      table(['Run', 'Kind', 'Group', 'Seed', 'Step'], rows),
    ],
  };
}

/** Every measurement of every run, a row each. */
export function measurementsCsv(comparison: RunComparison): string {
  return [...tableLines(LONG_COLUMNS, longRows(comparison), { format: 'csv', freeText: ['run', 'group'] })].join('');
}

/** Entries of BibTeX for the lab with these runs, and for the paper whose method it realises. */
export function runsBibtex({ groups }: Pick<RunComparison, 'groups'>): string {
  const kinds = [...new Set(groups.flatMap(({ runs }) => runs.map(({ kind }) => kind)))];
  const count = groups.reduce((sum, { runs }) => sum + runs.length, 0);
  const seeds = [...new Set(groups.flatMap(({ runs }) => runs.map(({ seed }) => seed)))].toSorted((a, b) => a - b);
  const note = `${count} ${count === 1 ? 'run' : 'runs'} (${kinds.join(', ')}) of ${groups.map(({ name }) => name).join('; ')}, seeds ${seeds.join(', ')}`;
  return [
    '@software{afrl-lab,',
    '  title = {{AFRL Lab}},',
    '  author = {{AFRL Lab}},',
    `  version = {${LAB_VERSION}},`,
    `  note = {${texEscaped(note)}},`,
    '}',
    '',
    '@misc{afrl,',
    '  title = {{Answer First, Reason Later: Aligning Search Relevance via Mode-Balanced Reinforcement Learning}},',
    '  author = {{The authors of arXiv:2602.10006}},',
    '  eprint = {2602.10006},',
    '  archiveprefix = {arXiv},',
    '  url = {https://arxiv.org/abs/2602.10006},',
    '}',
    '',
  ].join('\n');
}

/** Text within braces of BibTeX, which counts even escaped braces. */
function texEscaped(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '\\': '{\\textbackslash}',
    '{': '{\\textbraceleft}',
    '}': '{\\textbraceright}',
    '~': '{\\textasciitilde}',
    '^': '{\\textasciicircum}',
  };
  return text.replaceAll(/[\\{}~^#$%&_]/gu, (character) => escapes[character] ?? `\\${character}`);
}
