/**
 * Writes results to files. JSON lines keep every value exactly. CSV and TSV are for spreadsheets, and their cells can
 * come from untrusted documents: in columns of free text, an apostrophe is put before anything that a spreadsheet would
 * run as a formula. All other columns are exact, because other files are joined on them. Exact tables can be read back.
 * For TSV this requires that all cells are quoted, which the reader recognises by the header.
 */
import Papa from 'papaparse';

/** A cell; null is written as an empty cell, which is read as an empty text. */
export type Cell = string | number | boolean | null;

export interface TableOptions {
  readonly format: 'csv' | 'tsv';
  /** Columns of free text, where texts that start like a formula are made harmless. Default: none. */
  readonly freeText?: readonly string[];
}

/**
 * Characters that spreadsheets read as the start of a formula, or skip before one; the signs exist in full width too.
 */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u;

/**
 * The lines of a table, header first, each with its line end, generated lazily so that a table of any length can be
 * streamed.
 */
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
