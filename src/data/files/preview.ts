/**
 * The first rows of a file and the role of each column, for a person to check before the file is read. A file with
 * unusable columns is previewed like any other, because that is when a person has to look.
 */
import type { ColumnNames, Role } from './columns.ts';
import type { DataFile } from './data-set-reader.ts';
import { FieldReader, flatValues, TwoFiles } from './fields.ts';
import { readRecords } from './record-reader.ts';
import { isRowError } from './records.ts';

/** Rows that are shown. */
const PREVIEW_ROWS = 20;
/** Characters of a cell that are shown. */
const CELL_LENGTH = 200;

/** What a column is: of a role, one attribute of the document, or kept as it is. */
export interface PreviewColumn {
  readonly name: string;
  readonly role: Role | 'attribute' | null;
}

export interface FilePreview {
  readonly name: string;
  readonly columns: readonly PreviewColumn[];
  /** [rows, columns] */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads the beginning of a file.
 *
 * @param columns - names that the user gave; one that the file lacks is passed over
 * @throws {LabError} `bad-file` if it cannot be read
 */
export async function previewFile({ name, open }: DataFile, columns: ColumnNames): Promise<FilePreview> {
  const reader = new FieldReader({ columns, twoFiles: new TwoFiles() });
  const records: ReadonlyMap<string, unknown>[] = [];
  let header: readonly string[] = [];
  let nested: string | undefined;
  for await (const batch of readRecords(open(), { fileName: name }, (names) => (header = names))) {
    for (const item of batch) {
      if (isRowError(item) || records.length >= PREVIEW_ROWS) continue;
      const { values, nested: keys } = flatValues(item);
      nested ??= keys[0];
      records.push(values);
    }
    if (records.length >= PREVIEW_ROWS) break;
  }
  const names = [...new Set([...header, ...records.flatMap((values) => [...values.keys()])])];
  const found = reader.columnsOf(names, nested);
  const roleOf = new Map<string, PreviewColumn['role']>(found.attributes.map(({ column }) => [column, 'attribute']));
  for (const [role, column] of found.names) roleOf.set(column, role);
  return {
    name,
    columns: names.map((column) => ({ name: column, role: roleOf.get(column) ?? null })),
    rows: records.map((values) => names.map((column) => cellText(values.get(column)))),
  };
}

/** A value as a cell of a table. */
export function cellValue(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value) ?? null;
}

function cellText(value: unknown): string {
  const text = String(cellValue(value) ?? '');
  return text.length > CELL_LENGTH ? `${text.slice(0, CELL_LENGTH)}…` : text;
}
