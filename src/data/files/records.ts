/**
 * The building blocks of files of any format: numbered records of named values, and rows that could not be read. A bad
 * row never ends the reading of a file; it is reported with its place, so that a person can correct it.
 */
import { LabError } from '../../common/errors.ts';

/** The supported formats: comma- or tab-separated, one JSON object per line, and one JSON array of objects. */
export type FileFormat = 'csv' | 'tsv' | 'jsonl' | 'json';

/**
 * One record. `row` counts from 1: lines of JSONL, items of a JSON array, or rows of a spreadsheet with the header as
 * row 1.
 */
export interface FileRecord {
  readonly row: number;
  readonly fields: ReadonlyMap<string, unknown>;
}

/** A row that was left out, and the reason. */
export interface RowError {
  readonly row: number;
  /** The column at fault; empty for the whole row. */
  readonly column: string;
  readonly problem: string;
  readonly expected: string;
  readonly got: string;
}

/** Thrown while a row is read; the reader of the file converts it to a {@link RowError}. */
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

/** Records and errors in file order, in batches that follow the chunks of the file. */
export type RecordBatch = readonly (FileRecord | RowError)[];

/** A file that is no text, such as a workbook: it reads its records itself. */
export interface RecordSource {
  /**
   * @param checkHeader - called with the names of the columns before the first record, if all records have the same;
   *   may throw
   * @throws {LabError} `bad-file` if the file as a whole cannot be read; `aborted` on request
   */
  readonly records: (
    options: { readonly signal?: AbortSignal | undefined },
    checkHeader: (names: readonly string[]) => void,
  ) => AsyncGenerator<RecordBatch>;
}

/** What records are read from: the bytes of a text file, or a source of records. */
export type RowSource = AsyncIterable<Uint8Array> | RecordSource;

/** The longest row, in UTF-16 units. A longer one is not a judgment but a missing quote or bracket. */
export const MAX_ROW_LENGTH = 1 << 20;

export function isRowError(item: object): item is RowError {
  return 'problem' in item;
}

/** A row error as a sentence. */
export function describeRowError({ row, column, problem, expected, got }: RowError): string {
  const place = column === '' ? `Row ${row}` : `Row ${row}, column "${column}"`;
  return `${place}: ${problem}. Expected ${expected}. Got ${got}.`;
}

/** A value for an error message: truncated JSON. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The error for a whole file. */
export function badFile(
  fileName: string,
  details: { problem: string; expected: string; got: string; fix: string; cause?: unknown },
): LabError {
  const { problem, ...rest } = details;
  return new LabError('bad-file', { message: `${fileName}: ${problem}.`, ...rest });
}
