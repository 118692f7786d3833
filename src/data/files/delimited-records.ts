/**
 * Reads CSV and TSV files as streams. Delimiter and line ends are detected from the header, or from the line `sep=;`
 * that Excel writes before it. A row whose number of cells differs from the header's is left out and reported, because
 * its cells cannot be assigned to columns.
 */
import { badFile, MAX_ROW_LENGTH, showValue, type FileRecord, type RecordBatch, type RowError } from './records.ts';
import { cutRow, type RowFormat } from './row-cutter.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;

/** The first line in which Excel gives the delimiter; tables saved again have one for each column. */
const SEPARATOR_LINE = /^\ufeff*"?sep=(.)"?\1*$/iu;

export interface DelimitedOptions {
  readonly fileName: string;
  /** Known from the file name. Default: detected from the header. */
  readonly delimiter?: '\t';
  /** Called with the column names before the first record; may throw. */
  readonly checkHeader: (names: readonly string[]) => void;
}

/**
 * The records of a CSV or TSV file with a header. All values are texts. Empty rows are counted and skipped.
 *
 * @throws {LabError} `bad-file` if there is no usable header
 */
export async function* readDelimited(
  text: AsyncIterable<string>,
  { fileName, delimiter, checkHeader }: DelimitedOptions,
): AsyncGenerator<RecordBatch> {
  const rows = new RowReader(delimiter);
  let header: readonly string[] | undefined;
  const read = (batch: readonly NumberedRow[]): RecordBatch =>
    batch.flatMap((one): (FileRecord | RowError)[] => {
      if (one.problem === undefined && one.cells.every((cell) => cell.trim() === '')) return [];
      if (header !== undefined) return [toRecord(one, header)];
      header = readHeader(one, fileName);
      checkHeader(header);
      return [];
    });
  for await (const chunk of text) yield read(rows.push(chunk, false));
  yield read(rows.push('', true));
  if (header === undefined) {
    throw badFile(fileName, {
      problem: 'it has no rows',
      expected: 'a header',
      got: 'nothing',
      fix: 'Choose another file.',
    });
  }
}

/** A row of cells, not yet assigned to columns. */
export interface NumberedRow {
  readonly row: number;
  readonly cells: readonly string[];
  readonly problem: string | undefined;
}

/** Splits streamed text into rows. */
class RowReader {
  readonly #known: string | undefined;
  #format: RowFormat | undefined;
  #rest = '';
  #row = 0;
  /** Whether the incoming text belongs to a line that was already rejected. */
  #isSkipping = false;

  constructor(known: string | undefined) {
    this.#known = known;
  }

  /** The rows that this chunk completes. */
  push(chunk: string, isLast: boolean): NumberedRow[] {
    this.#rest += chunk;
    if (this.#format === undefined) {
      this.#passBlankLines(isLast);
      this.#format = this.#begin(isLast);
    }
    if (this.#format === undefined) return [];
    const format = this.#format;
    const rows: NumberedRow[] = [];
    let from = this.#skipped(format);
    while (from < this.#rest.length) {
      if (this.#rest[from] === format.newline) {
        this.#row += 1; // a file may have millions of empty rows
        from += 1;
        continue;
      }
      const cut = cutRow(this.#rest, from, format, { isLast, limit: MAX_ROW_LENGTH });
      if (cut === undefined) break;
      const isTooLong = cut.end - from > MAX_ROW_LENGTH;
      this.#row += 1;
      rows.push({ row: this.#row, cells: cut.cells, problem: isTooLong ? TOO_LONG : cut.problem });
      from = cut.end;
      this.#isSkipping = isTooLong && this.#rest[from - 1] !== format.newline;
    }
    this.#rest = this.#rest.slice(from);
    return rows;
  }

  /** Counts and drops the empty lines before the header. */
  #passBlankLines(isLast: boolean): void {
    const text = this.#rest;
    let from = 0;
    for (; text[from] === '\n' || text[from] === '\r'; from++) {
      if (text[from] === '\r' && from + 1 === text.length && !isLast) break; // "\n" may follow
      if (text[from] === '\n' || text[from + 1] !== '\n') this.#row += 1;
    }
    this.#rest = text.slice(from);
  }

  /** The position after a line that was rejected. */
  #skipped({ newline }: RowFormat): number {
    if (!this.#isSkipping) return 0;
    const end = this.#rest.indexOf(newline);
    this.#isSkipping = end === -1;
    return end === -1 ? this.#rest.length : end + 1;
  }

  /** The format, once the first line is complete; a separator line is removed. */
  #begin(isLast: boolean): RowFormat | undefined {
    const line = firstLine(this.#rest, isLast);
    if (line === undefined) return undefined;
    const [, separator] = SEPARATOR_LINE.exec(line.text) ?? [];
    if (separator === undefined) {
      return { delimiter: this.#known ?? mostFrequentDelimiter(line.text), newline: line.newline };
    }
    // Not counted as a row, because spreadsheets do not show this line.
    this.#rest = this.#rest.slice(line.end);
    return { delimiter: separator, newline: line.newline };
  }
}

const TOO_LONG = `it has more than ${MAX_ROW_LENGTH} characters`;

/** The first line, if not empty; undefined while it or its line end ("\r" before "\n") is incomplete. */
function firstLine(
  start: string,
  isLast: boolean,
): { readonly text: string; readonly newline: RowFormat['newline']; readonly end: number } | undefined {
  const at = lineEndIn(start);
  const isTooLong = start.length > MAX_ROW_LENGTH;
  const isComplete = at !== -1 && (start[at] === '\n' || at + 1 < start.length);
  if (!isComplete && !isLast && !isTooLong) return undefined;
  if (at === -1) return { text: start, newline: '\n', end: start.length };
  // Files that mix "\n" and "\r\n" are split at "\n"; only old Macintosh files have "\r" alone.
  const isReturn = start[at] === '\r' && start[at + 1] !== '\n';
  const end = start[at] === '\r' && !isReturn ? at + 2 : at + 1;
  return { text: start.slice(0, at), newline: isReturn ? '\r' : '\n', end };
}

function lineEndIn(text: string): number {
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

/** A line of commas is a header of a million columns, each of which would be compared with all that it might mean. */
const MAX_COLUMNS = 16_384;

/** The names of columns. @throws {LabError} `bad-file` if two are the same, or there are more than 16,384 */
export function readHeader({ cells, problem }: NumberedRow, fileName: string): readonly string[] {
  if (problem !== undefined) {
    throw badFile(fileName, {
      problem: 'its header cannot be read',
      expected: 'column names, quotes closed, and doubled inside a name',
      got: `${problem}: ${showValue(cells.join(''))}`,
      fix: 'Correct the first line.',
    });
  }
  if (cells.length > MAX_COLUMNS) {
    throw badFile(fileName, {
      problem: 'it has too many columns',
      expected: `at most ${MAX_COLUMNS}, as in a spreadsheet`,
      got: `${cells.length}`,
      fix: 'Remove those that are not needed.',
    });
  }
  const names = namesIn(cells);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return names;
  throw badFile(fileName, {
    problem: 'two columns have the same name',
    expected: 'each name once',
    got: showValue(twice),
    fix: 'Rename one of them.',
  });
}

function namesIn(cells: readonly string[]): readonly string[] {
  return cells.map((cell, index) => cell.trim() || `column ${index + 1}`);
}

/** The record of a row of cells, one for each name of the header. */
export function toRecord({ row, cells, problem }: NumberedRow, header: readonly string[]): FileRecord | RowError {
  const wrong = (what: string, expected: string, got: string): RowError => ({
    row,
    column: '',
    problem: what,
    expected,
    got,
  });
  if (problem === TOO_LONG) return wrong('it is too long', `at most ${MAX_ROW_LENGTH} characters`, 'more');
  if (problem !== undefined) {
    const got = `${problem}: ${showValue(cells.join(''))}`;
    return wrong('its quotes are broken', 'quotes closed, and doubled inside a cell', got);
  }
  if (cells.length !== header.length) {
    const what = cells.length < header.length ? 'it has too few cells' : 'it has too many cells';
    return wrong(what, `${header.length} as in the header`, `${cells.length}: ${showValue(cells.join(' | '))}`);
  }
  // In concatenated files each part has its header.
  const names = namesIn(cells);
  if (header.every((name, index) => name === names[index])) {
    return wrong('it is the header again', 'a row of values', showValue(cells.join(' | ')));
  }
  return { row, fields: new Map(header.map((name, index) => [name, cells[index] ?? ''])) };
}
