/**
 * Shapes of text files without a header, recognised by their first lines. All lines at hand have to have the shape, so
 * that a table with a header is never taken for one.
 */
import { FieldReader } from '../files/fields.ts';

/** What lines are. */
export type LineShapeName =
  'qrels' | 'run' | 'letor' | 'id-text' | 'triples' | 'id-triples' | 'ranks' | 'top1000' | 'topics' | 'trec-documents';

export interface LineShape {
  readonly name: LineShapeName;
  /** In words, for messages. */
  readonly seen: string;
}

const SHOWN = 200;
const GRADE = /^-?\d+(?:\.\d+)?$/u;
/** Of this many queries at least one has more than one word. */
const LONGER_QUERIES = 4;
const WHOLE = /^\d+$/u;

const SEEN: Readonly<Record<LineShapeName, string>> = {
  qrels: 'lines of a query id, an iteration, a document id and a grade (TREC qrels)',
  run: 'lines of a query id, Q0, a document id, a rank, a score and a tag (TREC run)',
  letor: 'lines of a grade, qid and features (LTR)',
  'id-text': 'lines of an id and a text',
  triples: 'lines of a query, a relevant text and another text (triples)',
  'id-triples': 'lines of a query id and two document ids (triples)',
  ranks: 'lines of a query id, a document id and a rank',
  top1000: 'lines of a query id, a document id, a query and a text',
  topics: 'TREC topics',
  'trec-documents': 'TREC documents',
};

/** The shape of the lines in the beginning of a file; undefined if it has none of them. */
export function shapeOfLines(head: string): LineShape | undefined {
  const start = head.trimStart();
  const name = /^<top>/iu.test(start)
    ? 'topics'
    : /^(?:<\?xml[^>]*>\s*)?<doc>/iu.test(start)
      ? 'trec-documents'
      : shapeOfRows(completeLines(head));
  return name === undefined ? undefined : { name, seen: SEEN[name] };
}

function completeLines(head: string): string[] {
  const lines = head
    .replace(/^\ufeff/u, '')
    .split(/\r?\n/u)
    .slice(0, -1);
  return lines.filter((line) => line.trim() !== '').slice(0, SHOWN);
}

function shapeOfRows(lines: readonly string[]): LineShapeName | undefined {
  if (lines.length === 0) return undefined;
  const words = lines.map((line) => line.trim().split(/\s+/u));
  if (words.every(([grade = '', qid = '']) => GRADE.test(grade) && qid.startsWith('qid:'))) return 'letor';
  if (words.every((row) => row.length === 6 && row[1]?.toUpperCase() === 'Q0' && WHOLE.test(row[3] ?? '')))
    return 'run';
  if (words.every((row) => row.length === 4 && GRADE.test(row[3] ?? '') && /^(?:Q?0|\d+)$/iu.test(row[1] ?? ''))) {
    return 'qrels';
  }
  if (words.every((row) => row.length === 3 && row.every((word) => WHOLE.test(word)))) {
    return areRanks(words) ? 'ranks' : 'id-triples';
  }
  const cells = lines.map((line) => line.split('\t'));
  const width = cells[0]?.length ?? 0;
  if (width < 2 || width > 4 || cells.some((row) => row.length !== width) || isHeader(cells[0] ?? [])) return undefined;
  // Quotes mean that it is a table.
  if (lines.some((line) => line.startsWith('"'))) return undefined;
  const isId = (cell = ''): boolean => /^[^\s{}[\]"]+$/u.test(cell);
  if (width === 2) return cells.every(([id, text = '']) => isId(id) && text.trim() !== '') ? 'id-text' : undefined;
  if (width === 4) {
    return cells.every(([queryId = '', docId = '']) => WHOLE.test(queryId) && WHOLE.test(docId))
      ? 'top1000'
      : undefined;
  }
  return areTriples(cells) ? 'triples' : undefined;
}

/**
 * Whether rows are a query and two texts. Texts have several words; queries may have one, but not all of them, because
 * a first column of single words holds ids.
 */
function areTriples(rows: readonly (readonly string[])[]): boolean {
  const hasWords = (cell = ''): boolean => /\S\s+\S/u.test(cell);
  const isTriple = ([query = '', ...texts]: readonly string[]): boolean =>
    /\p{L}/u.test(query) && texts.every((text) => hasWords(text));
  return rows.every(isTriple) && rows.filter(([query]) => hasWords(query)).length >= rows.length / LONGER_QUERIES;
}

/** Whether the third of three numbers counts from 1 within the first. */
function areRanks(words: readonly (readonly string[])[]): boolean {
  const last = new Map<string, number>();
  return words.every(([queryId = '', , rank]) => {
    const before = last.get(queryId) ?? 0;
    last.set(queryId, Number(rank));
    return Number(rank) === before + 1;
  });
}

/** Whether cells are names of columns that are known. */
function isHeader(cells: readonly string[]): boolean {
  return new FieldReader().columnsOf(cells).names.size > 0;
}
