/**
 * Results as files. JSON lines keep every value exactly. CSV and TSV are for spreadsheets, and their cells can come
 * from documents that strangers wrote: in columns of free text, what a spreadsheet would run as a formula gets an apostrophe
 * before it. All other columns are exact, because other files are joined by them. Exact tables survive being read back, TSV
 * too: it is written with all cells in quotes, which the reader recognises by the header.
 */
import Papa from 'papaparse';

/** A cell; null is written as an empty cell, which reads back as an empty text. */
export type Cell = string | number | boolean | null;

export interface TableOptions {
  readonly format: 'csv' | 'tsv';
  /** Columns of free text, where texts that begin like a formula are made harmless. Default: none. */
  readonly freeText?: readonly string[];
}

/** What spreadsheets take for the beginning of a formula, or skip before one; the signs come in full width too. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u;

/** The lines of a table, header first, each with its line end; one at a time, so that a table of any length can be streamed. */
export function* tableLines(
  columns: readonly string[],
  rows: Iterable<readonly Cell[]>,
  { format, freeText = [] }: TableOptions,
): Generator<string> {
  const newline = format === 'csv' ? '\r\n' : '\n';
  const config = { delimiter: format === 'csv' ? ',' : '\t', quotes: format === 'tsv', newline };
  const line = (cells: readonly Cell[]): string => Papa.unparse([[...cells]], config) + newline;
  const isFree = columns.map((column) => freeText.includes(column));
  yield line(columns);
  for (const row of rows) yield line(row.map((cell, i) => (isFree[i] === true ? harmless(cell) : cell)));
}

function harmless(cell: Cell): Cell {
  return typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;
}

/** Values as JSON lines, each with its line end. */
export function* jsonLines(values: Iterable<object>): Generator<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}
