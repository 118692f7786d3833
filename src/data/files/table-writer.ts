/**
 * Results as files. JSON lines keep every value exactly. CSV and TSV are for spreadsheets, and their cells can come
 * from documents that strangers wrote: a text that a spreadsheet would run as a formula gets an apostrophe before it,
 * unless the caller asks for exact text. Exact tables survive being read back, TSV too: it is written with all cells in
 * quotes, which the reader recognises by the header.
 */
import Papa from 'papaparse';

/** A cell; null is written as an empty cell, which reads back as an empty text. */
export type Cell = string | number | boolean | null;

export interface TableOptions {
  readonly format: 'csv' | 'tsv';
  /** Whether texts that begin like a formula (=, +, -, @, tab, return) are made harmless. Default true. */
  readonly guardFormulas?: boolean;
}

/** The lines of a table, header first, each with its line end; one at a time, so that a table of any length can be streamed. */
export function* tableLines(
  columns: readonly string[],
  rows: Iterable<readonly Cell[]>,
  { format, guardFormulas = true }: TableOptions,
): Generator<string> {
  const newline = format === 'csv' ? '\r\n' : '\n';
  const config = {
    delimiter: format === 'csv' ? ',' : '\t',
    quotes: format === 'tsv',
    newline,
    escapeFormulae: guardFormulas,
  };
  const line = (cells: readonly Cell[]): string => Papa.unparse([[...cells]], config) + newline;
  yield line(columns);
  for (const row of rows) yield line(row);
}

/** Values as JSON lines, each with its line end. */
export function* jsonLines(values: Iterable<object>): Generator<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}
