/**
 * Records of CSV and TSV files, read while they come. The cutting into cells is papaparse's; this file decides what it
 * needs to know (delimiter, line ends, whether quotes mean anything) from the header.
 *
 * Tab-separated files come in two kinds: plain ones, in which a quote is a character like any other (`15" laptop`), and
 * those written by spreadsheets, in which cells are quoted. The header tells them apart: quotes count in a TSV file only
 * if a column name is quoted.
 */
import Papa from 'papaparse';
import { badFile, MAX_ROW_LENGTH, showValue, type FileRecord, type RecordBatch, type RowError } from './records.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;

export interface DelimitedOptions {
  readonly fileName: string;
  /** Known from the file's name; default: told from the header. */
  readonly delimiter?: '\t';
  /** Gets the column names before the first record, and may throw. */
  readonly checkHeader: (names: readonly string[]) => void;
}

/** What papaparse's parser gives for a piece of text; its own types leave it open. */
interface ParsedPiece {
  readonly data: readonly (readonly string[])[];
  readonly errors: readonly { readonly row: number; readonly message: string }[];
  readonly meta: { readonly cursor: number };
}

interface CellParser {
  parse(text: string, baseIndex: number, ignoreLastRow: boolean): ParsedPiece;
}

/**
 * The records of a CSV or TSV file with a header. All values are texts. Empty rows are counted and passed over.
 *
 * @throws {LabError} `bad-file` if there is no usable header, or a row does not end within the limit.
 */
export async function* readDelimited(
  text: AsyncIterable<string>,
  { fileName, delimiter, checkHeader }: DelimitedOptions,
): AsyncGenerator<RecordBatch> {
  let parser: CellParser | undefined;
  let header: readonly string[] | undefined;
  let row = 0;
  let rest = '';

  const take = (final: boolean): RecordBatch => {
    parser ??= parserFor(rest, delimiter, final);
    if (parser === undefined) return [];
    const { data, errors, meta } = parser.parse(rest, 0, !final);
    rest = final ? '' : rest.slice(meta.cursor);
    const problems = new Map(errors.map((error) => [error.row, error.message]));
    const batch: (FileRecord | RowError)[] = [];
    for (const [index, rawCells] of data.entries()) {
      row += 1;
      const cells = withoutReturn(rawCells);
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (header === undefined) {
        header = readHeader(cells, fileName);
        checkHeader(header);
      } else batch.push(toRecord(row, cells, header, problems.get(index)));
    }
    return batch;
  };

  for await (const chunk of text) {
    rest += chunk;
    yield take(false);
    if (rest.length > MAX_ROW_LENGTH) {
      throw badFile(fileName, {
        problem: `row ${row + 1} is too long`,
        expected: `at most ${MAX_ROW_LENGTH} characters`,
        got: showValue(rest.slice(0, 60)),
        fix: 'Look for a quote that is not closed in or before this row.',
      });
    }
  }
  yield take(true);
  if (header === undefined) {
    throw badFile(fileName, {
      problem: 'it has no rows',
      expected: 'a header',
      got: 'nothing',
      fix: 'Choose another file.',
    });
  }
}

// Undefined while the first line has not ended, or its line end may go on ("\r" before "\n").
function parserFor(start: string, known: '\t' | undefined, final: boolean): CellParser | undefined {
  const text = start.replace(/^[\r\n]+/, '');
  const at = firstLineEnd(text);
  const complete = at !== -1 && (text[at] === '\n' || at + 1 < text.length);
  if (!complete && !final) return undefined;
  const line = at === -1 ? text : text.slice(0, at);
  // Files that mix "\n" and "\r\n" are cut at "\n"; only old Macintosh files have "\r" alone.
  const newline = text[at] === '\r' && text[at + 1] !== '\n' ? '\r' : '\n';
  const delimiter = known ?? mostFrequentDelimiter(line);
  const plain = delimiter === '\t' && !line.split('\t').some((name) => name.startsWith('"'));
  // "Fast mode" is papaparse's word for cutting without regard to quotes.
  return new Papa.Parser({ delimiter, newline, fastMode: plain ? true : undefined });
}

// The "\r" of "\r\n" is left at the end of the last cell.
function withoutReturn(cells: readonly string[]): readonly string[] {
  const last = cells.at(-1);
  return last?.endsWith('\r') === true ? [...cells.slice(0, -1), last.slice(0, -1)] : cells;
}

function firstLineEnd(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '\n' || character === '\r')) return at;
  }
  return -1;
}

function mostFrequentDelimiter(header: string): string {
  const unquoted = header.replaceAll(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => unquoted.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

function readHeader(cells: readonly string[], fileName: string): readonly string[] {
  const names = cells.map((cell, index) => cell.trim() || `column ${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw badFile(fileName, {
    problem: 'two columns have one name',
    expected: 'each name once',
    got: showValue(twice),
    fix: 'Rename one of them.',
  });
}

function toRecord(
  row: number,
  cells: readonly string[],
  header: readonly string[],
  problem: string | undefined,
): FileRecord | RowError {
  if (problem !== undefined) {
    return {
      row,
      column: '',
      problem: 'its quotes are broken, and rows after it may be lost',
      expected: 'quotes closed, and doubled inside a cell',
      got: problem,
    };
  }
  if (cells.slice(header.length).some((cell) => cell.trim() !== '')) {
    return {
      row,
      column: '',
      problem: 'it has too many cells',
      expected: `${header.length} as in the header`,
      got: String(cells.length),
    };
  }
  return { row, fields: new Map(header.map((name, index) => [name, cells[index] ?? ''])) };
}
