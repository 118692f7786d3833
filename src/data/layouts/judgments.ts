/**
 * Judgments by ids: a query id, a document id and a grade. Whatever else a row has is kept. Lines have their values
 * under the names `queryId`, `docId` and `grade`; tables keep their own names.
 */
import type { DataFile } from '../files/data-set-reader.ts';
import { readRecords } from '../files/record-reader.ts';
import { isRowError, RowProblem } from '../files/records.ts';
import { type LineFields, lineRecords } from './lines.ts';
import { columnOf, hasColumns, type LookedAt } from './look.ts';
import { changedFile, idOf, multipliedFile } from './record-sources.ts';

/** Judgments, or a list of results, by ids. */
export interface Judgments {
  readonly file: DataFile;
  /** The names of the columns with the ids. */
  readonly queryId: string;
  readonly docId: string;
  /** Whether it lists what a search engine found, and has no grades. */
  readonly isRun: boolean;
}

/** The columns of BEIR's judgments, without punctuation. */
const BEIR = ['queryid', 'corpusid', 'score'];

/** Whether a file has BEIR's judgments. */
export function isBeirQrels(look: LookedAt): boolean {
  return hasColumns(look, BEIR);
}

/** The judgments in a file; undefined if it has none by ids. */
export function judgmentsIn(look: LookedAt): Judgments | undefined {
  const { file, shape, roles } = look;
  const lines = (read: (line: string) => LineFields, isRun = false): Judgments => ({
    file: { name: file.name, open: () => lineRecords(file, read) },
    queryId: 'queryId',
    docId: 'docId',
    isRun,
  });
  switch (shape?.name) {
    case 'qrels':
      return lines(readQrels);
    case 'run':
      return lines(readRun, true);
    case 'ranks':
      return lines(readRanks, true);
    case 'letor':
      return lines(readLetor);
    default:
  }
  const queryId = columnOf(look, 'queryid', 'qid');
  if (isBeirQrels(look)) {
    const [docId, score] = [columnOf(look, 'corpusid') ?? '', columnOf(look, 'score') ?? ''];
    const graded = changedFile(file, ({ row, fields }) => [
      { row, fields: new Map([...fields].map(([name, value]) => [name === score ? 'grade' : name, value])) },
    ]);
    return { file: graded, queryId: queryId ?? '', docId, isRun: false };
  }
  const docId = roles.get('docId');
  if (queryId === undefined || docId === undefined || roles.has('query') || roles.has('title')) return undefined;
  return { file, queryId, docId, isRun: false };
}

function words(line: string, count: number, expected: string): readonly string[] {
  const found = line.trim().split(/\s+/u);
  if (found.length !== count) throw new RowProblem('', `it has ${found.length} fields`, expected, line);
  return found;
}

function readQrels(line: string): LineFields {
  const [queryId = '', iteration = '', docId = '', grade = ''] = words(
    line,
    4,
    'query id, iteration, document id, grade',
  );
  if (!/^[+-]?\d/u.test(grade)) throw new RowProblem('', 'its grade is no number', 'a number', grade);
  return [
    ['queryId', queryId],
    ['iteration', iteration],
    ['docId', docId],
    ['grade', grade],
  ];
}

function readRun(line: string): LineFields {
  const [queryId = '', , docId = '', rank = '', score = '', tag = ''] = words(
    line,
    6,
    'query id, Q0, document id, rank, score, tag',
  );
  return [
    ['queryId', queryId],
    ['docId', docId],
    ['run_rank', rank],
    ['run_score', score],
    ['run_tag', tag],
  ];
}

function readRanks(line: string): LineFields {
  const [queryId = '', docId = '', rank = ''] = words(line, 3, 'query id, document id, rank');
  return [
    ['queryId', queryId],
    ['docId', docId],
    ['run_rank', rank],
  ];
}

/** `2 qid:10 1:0.5 # docid = D7`; features say nothing to a model that reads texts. */
function readLetor(line: string): LineFields {
  const [features = '', comment = ''] = line.split(/#(.*)/su);
  const [grade = '', qid = ''] = features.trim().split(/\s+/u);
  const docId = letorDocId(comment);
  if (!qid.startsWith('qid:')) throw new RowProblem('', 'it has no qid', 'grade qid:N features # document id', line);
  if (docId === undefined) throw new RowProblem('', 'it has no document id', '# and a document id at its end', line);
  return [
    ['queryId', qid.slice('qid:'.length)],
    ['docId', docId],
    ['grade', grade],
  ];
}

/** The document id in the comment of a line of features: `docid = D7 ...`, or its first word. */
function letorDocId(comment: string): string | undefined {
  const [, named] = /\b(?:doc_?id|doc|id)\s*[=:]\s*(\S+)/iu.exec(comment) ?? [];
  return (
    named ??
    comment
      .trim()
      .split(/\s+/u)
      .find((word) => word !== '')
  );
}

/** `qid pid pid`: of each line a relevant document and another. */
export function idTriples({ file }: LookedAt): Judgments {
  const lines: DataFile = {
    name: file.name,
    open: () =>
      lineRecords(file, (line) => {
        const [queryId = '', positive = '', negative = ''] = words(line, 3, 'query id and two document ids');
        return [
          ['queryId', queryId],
          ['positive', positive],
          ['negative', negative],
        ];
      }),
  };
  const pairs = multipliedFile(lines, 2, ({ fields }) =>
    (['positive', 'negative'] as const).map(
      (part, i) =>
        new Map<string, unknown>([
          ['queryId', fields.get('queryId')],
          ['docId', fields.get(part)],
          ['grade', i === 0 ? '1' : '0'],
        ]),
    ),
  );
  return { file: pairs, queryId: 'queryId', docId: 'docId', isRun: false };
}

/** The key of a query and a document. */
export function pairKey(queryId: unknown, docId: unknown): string {
  return JSON.stringify([idOf(queryId), idOf(docId)]);
}

/** The grades of judgments, by {@link pairKey}; later files win. */
export async function gradesOf(judgments: readonly Judgments[]): Promise<ReadonlyMap<string, unknown>> {
  const grades = new Map<string, unknown>();
  for (const { file, queryId, docId } of judgments) {
    for await (const batch of readRecords(file.open(), { fileName: file.name })) {
      for (const item of batch) {
        if (isRowError(item)) continue;
        grades.set(pairKey(item.fields.get(queryId), item.fields.get(docId)), item.fields.get('grade'));
      }
    }
  }
  return grades;
}
