/**
 * The output of `lab mine`: counts, a table of the hardest pairs, and a file with a row for every hard pair and every
 * hard negative.
 */
import { LabError } from '../common/errors.ts';
import { type Cell, jsonLines, tableLines } from '../data/files/table-writer.ts';
import type { Mined } from '../runs/mine-pairs.ts';
import type { LabelScale } from '../relevance/pair/labels.ts';
import { HARD_REASONS, type HardNegative, type HardSample } from '../train/hard-samples.ts';
import { print } from './terminal.ts';

/** Prints the counts and the first `show` of each kind. */
export function printMined({ samples, negatives, counts }: Mined, scale: LabelScale, show: number): void {
  const { pairs, completions, rightShare, fullShare, byPasses, byReason } = counts;
  const full = fullShare === null ? '' : `, full reward ${percent(fullShare)}`;
  print(
    `${pairs.toLocaleString('en')} pairs, ${completions.toLocaleString('en')} completions: right label ` +
      `${percent(rightShare)}${full}.`,
  );
  print(`Pairs by right labels, from 0 to ${byPasses.length - 1}: ${byPasses.join(', ')}.`);
  const reasons = HARD_REASONS.map((reason) => `${reason} ${byReason[reason]}`).join(', ');
  print(`${samples.length} hard pairs (${reasons}); ${negatives.length} hard negatives.`);
  for (const { pair, difficulty, reasons: why } of samples.slice(0, show)) {
    print(`\n${why.join(', ')}: passes ${percent(difficulty.passRate)}, margin ${difficulty.margin.toFixed(2)}`);
    print(`  ${pair.query}  |  ${pair.document.title}  |  gold: ${scale.names[pair.label] ?? pair.label}`);
  }
  for (const { negative, positive, lead } of negatives.slice(0, show)) {
    print(`\nhard negative: ${lead >= 0 ? 'ahead' : 'behind'} by ${Math.abs(lead).toFixed(2)}`);
    print(`  ${negative.query}`);
    for (const { document, label } of [negative, positive])
      print(`  ${scale.names[label] ?? label}: ${document.title}`);
  }
}

/**
 * Every hard pair and hard negative, one row each. JSON lines hold whole documents, so that they can be used for
 * training.
 */
export function minedLines(format: MinedFormat, { samples, negatives }: Mined): Iterable<string> {
  const rows = [...samples.map(sampleRow), ...negatives.map(negativeRow)];
  if (format === 'jsonl') {
    const documents = [...samples.map(({ pair }) => pair), ...negatives.map(({ negative }) => negative)];
    const records = rows.map(({ title: _title, docId: _docId, ...row }, i) => ({
      ...row,
      document: documents[i]?.document,
    }));
    return jsonLines(records);
  }
  const columns = Object.keys(EMPTY_ROW) as (keyof MinedRow)[];
  const cells = rows.map((row) => columns.map((column) => row[column]));
  return tableLines(columns, cells, { format, freeText: ['title', 'betterTitle'] });
}

const FORMATS = ['jsonl', 'tsv', 'csv'] as const;
type MinedFormat = (typeof FORMATS)[number];

/** The format of a path. @throws {LabError} `bad-config` */
export function formatOf(path: string): MinedFormat {
  const format = FORMATS.find((ending) => path.toLowerCase().endsWith(`.${ending}`));
  if (format !== undefined) return format;
  throw new LabError('bad-config', {
    message: `The format of ${path} is unknown.`,
    expected: 'a name that ends in .jsonl, .tsv or .csv',
    got: path,
    fix: 'Choose another name for --out.',
  });
}

/** A row of the file; null where a column applies to the other kind only. */
type MinedRow = Readonly<Record<keyof typeof EMPTY_ROW, Cell>>;

const EMPTY_ROW = {
  kind: null,
  reasons: null,
  query: null,
  docId: null,
  title: null,
  grade: null,
  passRate: null,
  fullRate: null,
  margin: null,
  labelSpread: null,
  traceConflicts: null,
  betterDocId: null,
  betterTitle: null,
  betterGrade: null,
  lead: null,
};

function sampleRow({ pair, difficulty, reasons }: HardSample): MinedRow {
  const { passRate, fullRate, margin, labelSpread, traceConflicts } = difficulty;
  return {
    ...EMPTY_ROW,
    kind: 'hard pair',
    reasons: reasons.join(', '),
    query: pair.query,
    docId: pair.document.docId,
    title: pair.document.title,
    grade: pair.label,
    passRate: rounded(passRate),
    fullRate: rounded(fullRate),
    margin: rounded(margin),
    labelSpread: rounded(labelSpread),
    traceConflicts: rounded(traceConflicts),
  };
}

function negativeRow({ negative, positive, lead }: HardNegative): MinedRow {
  return {
    ...EMPTY_ROW,
    kind: 'hard negative',
    query: negative.query,
    docId: negative.document.docId,
    title: negative.document.title,
    grade: negative.label,
    betterDocId: positive.document.docId,
    betterTitle: positive.document.title,
    betterGrade: positive.label,
    lead: rounded(lead),
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(6));
}
