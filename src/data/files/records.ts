/**
 * What a file of any format is made of: numbered records of named values, and the rows that could not be read. A bad
 * row never ends the reading of a file; it is reported with its place, so that a person can mend it.
 */
import { LabError } from '../../common/errors.ts';

/** The formats that are read: comma- or tab-separated, one JSON object a line, and one JSON array of objects. */
export type FileFormat = 'csv' | 'tsv' | 'jsonl' | 'json';

/**
 * One record. `row` counts from 1 as a person would: lines of JSONL, items of a JSON array, rows of a spreadsheet with
 * the header as row 1.
 */
export interface FileRecord {
  readonly row: number;
  readonly fields: ReadonlyMap<string, unknown>;
}

/** A row that was left out, and why. */
export interface RowError {
  readonly row: number;
  /** The column at fault; empty where it is the whole row. */
  readonly column: string;
  readonly problem: string;
  readonly expected: string;
  readonly got: string;
}

/** Thrown while one row is read, and caught by the reader of the file, which makes a {@link RowError} of it. */
export class RowProblem extends Error {
  readonly column: string;
  readonly expected: string;
  readonly got: string;

  constructor(column: string, problem: string, expected: string, got: unknown) {
    super(problem);
    this.column = column;
    this.expected = expected;
    this.got = showValue(got);
  }

  at(row: number): RowError {
    return { row, column: this.column, problem: this.message, expected: this.expected, got: this.got };
  }
}

/** Records and errors in the order of the file; readers hand them on in batches, as a file comes in chunks. */
export type RecordBatch = readonly (FileRecord | RowError)[];

/** The longest row, in UTF-16 units. What is longer is no row of judgments but a lost quote or bracket. */
export const MAX_ROW_LENGTH = 1 << 20;

export function isRowError(item: object): item is RowError {
  return 'problem' in item;
}

/** A row error as a sentence. */
export function describeRowError({ row, column, problem, expected, got }: RowError): string {
  const place = column === '' ? `Row ${row}` : `Row ${row}, column "${column}"`;
  return `${place}: ${problem}. Expected ${expected}. Got ${got}.`;
}

/** A value as an error shows it: JSON, cut short. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** An error about a whole file. */
export function badFile(
  fileName: string,
  details: { problem: string; expected: string; got: string; fix: string; cause?: unknown },
): LabError {
  const { problem, ...rest } = details;
  return new LabError('bad-file', { message: `${fileName}: ${problem}.`, ...rest });
}
