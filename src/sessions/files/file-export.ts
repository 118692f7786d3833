/**
 * Exports of a judged file: its columns with scores and corrections added, a TREC run, TREC judgments, or pairs to
 * train on.
 */
import { rowsWithAddedColumns, withAddedColumns } from '../../data/files/own-columns.ts';
import type { FilePreview } from '../../data/files/preview.ts';
import { type TrecEntry, trecQrels, trecRun } from '../../data/files/trec-lines.ts';
import { type Cell, jsonLines, tableLines } from '../../data/files/table-writer.ts';
import { LabError } from '../../common/errors.ts';
import { LAB_VERSION } from '../../common/version.ts';
import { makeProof, type ProofFacts, ScoreHash, type ScoreProof } from '../../runs/score/score-proof.ts';
import { reportedFacts, reportedMeasures, scoreReport } from '../../runs/score/score-report.ts';
import type { Exported, ExportFormat, FileScoring } from '../../protocol/files.ts';
import { noProofOfRules } from './file-proof.ts';
import type { FileScores } from './file-scores.ts';
import type { JudgedRows } from './judged-rows.ts';

const ADDED_TYPES = {
  lab_label: 'INT32',
  lab_score: 'DOUBLE',
  lab_rank: 'INT32',
  lab_confidence: 'DOUBLE',
  lab_bm25_rank: 'INT32',
  lab_correction: 'INT32',
} as const;
/** Columns that are added to those of a file, in order. */
const ADDED = [
  'lab_label',
  'lab_label_name',
  'lab_score',
  'lab_rank',
  'lab_confidence',
  'lab_bm25_rank',
  'lab_correction',
  'lab_corrected_by',
  'lab_corrected_at',
  'lab_judgments',
] as const;
const ADDED_TEXT = ['lab_label_name', 'lab_corrected_by', 'lab_judgments'];
/** Lines per part of a blob. */
const LINES_PER_PART = 2000;

export interface ExportSource {
  readonly columns: FilePreview['columns'];
  readonly rows: JudgedRows;
  readonly scores: FileScores;
  readonly scoring: FileScoring;
  /** The facts of a proof that do not come of the scores. */
  readonly proofFacts: () => Promise<ProofFacts>;
  /** All pairs with their standing. */
  readonly placed: ReturnType<JudgedRows['placed']>;
}

/** @throws {LabError} `bad-file` if the file cannot be read any more */
export async function exportFile(format: ExportFormat, source: ExportSource): Promise<Exported> {
  const base = baseOf(source.rows);
  switch (format) {
    case 'csv':
    case 'tsv':
    case 'jsonl':
      return {
        fileName: `${base}-scored.${format}`,
        file: await fileOf(ownColumns(format, source), TYPES[format]),
        notes:
          format === 'jsonl'
            ? []
            : [
                'Ids, grades and numbers are exact. In columns of free text, a cell that a spreadsheet would run as a formula ' +
                  'begins with an apostrophe.',
              ],
      };
    case 'run': {
      const lines = trecRun(entriesOf(source), source.scoring.modelName);
      return { fileName: `${base}.run`, file: await fileOf(lines, 'text/plain'), notes: [SPACES] };
    }
    case 'qrels':
      return {
        fileName: `${base}.qrels`,
        file: await fileOf(trecQrels(entriesOf(source)), 'text/plain'),
        notes: [SPACES, 'Corrections count as grades.'],
      };
    case 'quepid':
      return {
        fileName: `${base}-quepid.csv`,
        file: await fileOf(quepidLines(source), 'text/csv'),
        notes: ['Ratings are the grades, corrections included; a pair without a grade has the label of the model.'],
      };
    case 'parquet':
      return {
        fileName: `${base}-scored.parquet`,
        file: await parquetFile(source),
        notes: ['Your own columns are texts, exactly as they were read.'],
      };
    case 'html':
      return {
        fileName: `${base}-report.html`,
        file: await fileOf(await report(source), 'text/html'),
        notes: ['One file without scripts, which needs no network.'],
      };
    case 'proof':
      return {
        fileName: `${base}.proof.json`,
        file: new Blob([`${JSON.stringify(await proofOf(source), null, 1)}\n`], { type: 'application/json' }),
        notes: [
          '"lab verify" checks it with the same files and model, and so does this page. Corrections are no part of it.',
        ],
      };
    case 'pairs': {
      const { name, blob } = await judgedPairsFile(source.rows, source.scores);
      const grades = source.scoring.gradeNames.map((_, label) => `${label}=${label}`).join(',');
      return {
        fileName: name,
        file: blob,
        notes: [
          'All pairs, corrections included; those without a grade say none, because they stand in the lists of the others. ' +
            `The Train view and "lab sft --data" read it, and "lab sft --start MODEL --grade ${grades}" learns what ` +
            '"Learn from these" does.',
        ],
      };
    }
    default:
      return format satisfies never;
  }
}

/** Ratings as Quepid's basic import takes them. */
function quepidLines({ rows, scores, scoring }: ExportSource): Generator<string> {
  const grades = scores.grades();
  const ratings = rows.rows.flatMap(({ pair }, place): Cell[][] => {
    const grade = grades[place] ?? -1;
    const rating = grade < 0 ? scoring.mapping[scores.recordOf(place)?.label ?? -1] : grade;
    return rating === undefined ? [] : [[pair.query, pair.document.docId, rating]];
  });
  return tableLines(['query', 'docid', 'rating'], ratings, { format: 'csv' });
}

/** The pairs of a file with their grades, in the form that the lab's readers accept, and the name of that file. */
export async function judgedPairsFile(
  rows: JudgedRows,
  scores: FileScores,
): Promise<{ readonly name: string; readonly blob: Blob }> {
  const blob = await fileOf(jsonLines(judgedPairs(rows, scores)), 'application/jsonl');
  return { name: `${baseOf(rows)}-judged.jsonl`, blob };
}

/** What a pair without a grade has in its place: it is in the list of its query, and nobody learns from it. */
const NO_GRADE = 'none';

/** In the order of the file. */
function* judgedPairs({ rows }: JudgedRows, scores: FileScores): Generator<object> {
  const grades = scores.grades();
  for (const [place, { pair }] of rows.entries()) {
    const { query, queryId, document } = pair;
    const grade = grades[place] ?? -1;
    yield { query, queryId, document, grade: grade < 0 ? NO_GRADE : grade };
  }
}

function baseOf({ name }: JudgedRows): string {
  return name.replace(/(?:\.\w+)?(?:\.gz)?$/iu, '');
}

async function parquetFile(source: ExportSource): Promise<Blob> {
  const { parquetOf } = await import('../../data/kinds/parquet-writer.ts');
  const { columns, rows } = source;
  const how = { columns, added: ADDED, valuesOf: addedValues(source) };
  const table = await rowsWithAddedColumns(rows.pairsFile, how);
  const types = Object.entries(ADDED_TYPES).map(([name, type]) => [table.added.get(name) ?? name, type] as const);
  const bytes = await parquetOf(table.columns, table.rows, Object.fromEntries(types));
  return new Blob([bytes], { type: 'application/vnd.apache.parquet' });
}

async function report({ rows, scores, scoring, placed }: ExportSource): Promise<Iterable<string>> {
  const measured = await scores.report(placed);
  const grades = scores.grades();
  const lists = scores.ranked().map((places) => ({
    query: rows.rows[places[0] ?? -1]?.pair.query ?? '',
    pairs: places.map((place) => ({
      docId: rows.rows[place]?.pair.document.docId ?? '',
      title: rows.rows[place]?.pair.document.title ?? '',
      label: scores.recordOf(place)?.labelName ?? '',
      score: scores.scores[place] ?? NaN,
      grade: scoring.gradeNames[grades[place] ?? -1] ?? '',
    })),
  }));
  return scoreReport({
    fileName: rows.name,
    modelName: scoring.modelName,
    facts: [...reportedFacts(measured), ...scoring.warnings],
    measures: measured === null ? [] : reportedMeasures(measured),
    lists: lists.filter(({ pairs }) => pairs.length > 0),
  });
}

/** @throws {LabError} `bad-config` while pairs are missing their scores */
async function proofOf({ rows, scores, scoring, proofFacts }: ExportSource): Promise<ScoreProof> {
  if (scoring.choice.kind === 'rules') throw noProofOfRules();
  if (scoring.state !== 'done') {
    throw new LabError('bad-config', { message: 'A proof is of all pairs.', fix: 'Let the scoring end first.' });
  }
  const hash = new ScoreHash();
  let pairs = 0;
  for (const { row, probabilities } of scores.inOrder(rows)) {
    hash.add({ row, probabilities });
    pairs += 1;
  }
  const made = { madeAt: new Date().toISOString(), version: LAB_VERSION };
  return makeProof({ ...made, ...(await proofFacts()), pairs, result: hash.result() });
}

const TYPES = { csv: 'text/csv', tsv: 'text/tab-separated-values', jsonl: 'application/jsonl' } as const;
const SPACES = 'Fields are separated by spaces; a space within an id is written as %20.';

type AddedValues = (row: number) => Record<(typeof ADDED)[number], Cell> | undefined;

function ownColumns(format: 'csv' | 'tsv' | 'jsonl', source: ExportSource): AsyncGenerator<string> {
  const { columns, rows } = source;
  const valuesOf = addedValues(source);
  return withAddedColumns(rows.pairsFile, { format, columns, added: ADDED, addedText: ADDED_TEXT, valuesOf });
}

/** The values of the added columns, by the row of the file. */
function addedValues({ rows, scores, placed }: ExportSource): AddedValues {
  const ranks = new Map(scores.ranked().flatMap((list) => list.map((place, i): [number, number] => [place, i + 1])));
  const last = scores.lastCorrections();
  const judgments = scores.judgmentsByRow();
  const placeOf = new Map(rows.rows.map(({ row }, place) => [row, place]));
  return (row) => {
    const place = placeOf.get(row);
    if (place === undefined) return undefined;
    const record = scores.recordOf(place);
    // Who gives the grade of the file has confirmed it.
    const judged = last.get(row);
    const correction = (judged?.label ?? -1) === (scores.golds[place] ?? -1) ? undefined : judged;
    return {
      lab_label: record?.label ?? null,
      lab_label_name: record?.labelName ?? null,
      lab_score: record?.score ?? null,
      lab_rank: ranks.get(place) ?? null,
      lab_confidence: record?.['confidence'] ?? null,
      lab_bm25_rank: placed[place]?.pair.standing.rank ?? null,
      lab_correction: correction?.label ?? null,
      lab_corrected_by: correction?.author ?? null,
      lab_corrected_at: correction === undefined ? null : new Date(correction.at).toISOString(),
      lab_judgments: judgments.get(row)?.join('; ') ?? null,
    };
  };
}

/** The scored pairs, the best of each query first. */
function* entriesOf({ rows, scores }: ExportSource): Generator<TrecEntry> {
  const grades = scores.grades();
  for (const places of scores.ranked()) {
    for (const place of places) {
      const pair = rows.rows[place]?.pair;
      if (pair === undefined) continue;
      const gold = grades[place] ?? -1;
      yield {
        queryId: pair.queryId,
        docId: pair.document.docId,
        score: scores.scores[place] ?? NaN,
        grade: gold < 0 ? undefined : gold,
      };
    }
  }
}

async function fileOf(text: AsyncIterable<string> | Iterable<string>, type: string): Promise<Blob> {
  // Parts are blobs, because the browser may move blobs out of memory.
  const blobs: Blob[] = [];
  let lines: string[] = [];
  for await (const line of text) {
    lines.push(line);
    if (lines.length < LINES_PER_PART) continue;
    blobs.push(new Blob(lines));
    lines = [];
  }
  return new Blob([...blobs, ...lines], { type });
}
