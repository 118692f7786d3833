/**
 * A file with columns added to its own, which are written as they were read. Ids, grades and whatever else looks like a
 * number or an id stay exact; in columns that people write freely, a cell that a spreadsheet would run as a formula
 * gets an apostrophe before it.
 */
import type { Role } from './columns.ts';
import type { DataFile } from './data-set-reader.ts';
import { flatValues } from './fields.ts';
import { cellValue, type FilePreview } from './preview.ts';
import { readRecords } from './record-reader.ts';
import { type FileRecord, isRowError } from './records.ts';
import { type Cell, jsonLines, tableLines } from './table-writer.ts';

/** Roles whose columns other files are joined by. */
const EXACT_ROLES: ReadonlySet<Role | 'attribute'> = new Set(['docId', 'queryId', 'grade']);
/** What ids and numbers are made of. */
const ID = /^[\p{L}\p{N}._:/#\s-]*$|^[+-]?[\d.,]+(?:e[+-]?\d+)?$/iu;
/** A text with a sign and a blank is no id. */
const SIGNED_TEXT = /^[-\s].*\s/u;

/**
 * The own columns of a file beside others, for rows that are written in the order of the file. The file is read along
 * with them, so that no more than a batch is in memory.
 */
export class OwnColumns {
  /** What the columns are called beside the others: as in the file, or with `file_` before a name that is taken. */
  readonly names: readonly string[];
  /** Which of these people write freely. */
  readonly freeText: readonly string[];
  readonly #columns: readonly string[];
  readonly #records: AsyncGenerator<FileRecord[]>;
  #batch: readonly FileRecord[] = [];
  #at = 0;

  private constructor(file: DataFile, columns: readonly string[], taken: ReadonlySet<string>, free: readonly string[]) {
    const nameOf = (name: string): string =>
      taken.has(name) ? freeName(`file_${name}`, [...taken, ...columns]) : name;
    this.#columns = columns;
    this.names = columns.map(nameOf);
    this.freeText = free.map(nameOf);
    this.#records = recordsOf(file);
  }

  /**
   * @param columns - what the columns of the file are taken for
   * @param beside - the names of the other columns, and the roles that these have
   */
  static async open(
    file: DataFile,
    columns: FilePreview['columns'],
    beside: { readonly names: readonly string[]; readonly roles: readonly Role[] },
  ): Promise<OwnColumns> {
    const { names, freeText } = await surveyColumns(file, columns);
    const there = new Set(
      columns.flatMap(({ name, role }) => (beside.roles.some((one) => one === role) ? [name] : [])),
    );
    const isOwn = (name: string): boolean => !there.has(name);
    return new OwnColumns(file, names.filter(isOwn), new Set(beside.names), freeText.filter(isOwn));
  }

  /** The values of a row, which comes after those asked for before; undefined for one that the file lacks. */
  async of(row: number): Promise<Cell[] | undefined> {
    for (;;) {
      for (; this.#at < this.#batch.length; this.#at++) {
        const record = this.#batch[this.#at];
        if (record === undefined || record.row < row) continue;
        if (record.row > row) return undefined;
        const { values } = flatValues(record);
        return this.#columns.map((name) => cellValue(values.get(name)));
      }
      const next = await this.#records.next();
      if (next.done === true) return undefined;
      [this.#batch, this.#at] = [next.value, 0];
    }
  }
}

export interface OwnColumnsOptions {
  readonly format: 'csv' | 'tsv' | 'jsonl';
  /** What the columns of the file are taken for. */
  readonly columns: FilePreview['columns'];
  /** The added columns, in order; one that the file has as well gets a line under it. */
  readonly added: readonly string[];
  /** Which of them people write freely. */
  readonly addedText: readonly string[];
  /** The added values of a row. */
  readonly valuesOf: (row: number) => Readonly<Record<string, Cell>> | undefined;
}

/** The pieces of the file with its new columns, a line each; of a CSV the first has the mark that Excel needs. */
export async function* withAddedColumns(file: DataFile, options: OwnColumnsOptions): AsyncGenerator<string> {
  const { format } = options;
  const { names, freeText } = await surveyColumns(file, options.columns);
  const nameOf = new Map(options.added.map((name) => [name, freeName(name, names)]));
  const columns = [...names, ...nameOf.values()];
  const free = [...freeText, ...options.addedText.map((name) => nameOf.get(name) ?? name)];
  if (format !== 'jsonl') {
    if (format === 'csv') yield '\uFEFF';
    yield* tableLines(columns, [], { format });
  }
  for await (const records of recordsOf(file)) {
    if (format === 'jsonl') {
      yield* jsonLines(
        records.map(({ row, fields }) => Object.fromEntries([...fields, ...addedTo(row, options, nameOf)])),
      );
      continue;
    }
    const rows = records.map((record) => {
      const { values } = flatValues(record);
      return [
        ...names.map((name) => cellValue(values.get(name))),
        ...addedTo(record.row, options, nameOf).map(([, cell]) => cell),
      ];
    });
    const [, ...lines] = tableLines(columns, rows, { format, freeText: free });
    yield* lines;
  }
}

/** The file with its new columns as rows of cells, for writers that write no lines. */
export async function rowsWithAddedColumns(
  file: DataFile,
  options: Omit<OwnColumnsOptions, 'format' | 'addedText'>,
): Promise<{
  readonly columns: readonly string[];
  readonly added: ReadonlyMap<string, string>;
  readonly rows: AsyncGenerator<Cell[]>;
}> {
  const { names } = await surveyColumns(file, options.columns);
  const added = new Map(options.added.map((name) => [name, freeName(name, names)]));
  const rows = async function* (): AsyncGenerator<Cell[]> {
    for await (const records of recordsOf(file)) {
      for (const record of records) {
        const { values } = flatValues(record);
        const own = names.map((name) => cellValue(values.get(name)));
        yield [...own, ...addedTo(record.row, options, added).map(([, cell]) => cell)];
      }
    }
  };
  return { columns: [...names, ...added.values()], added, rows: rows() };
}

function addedTo(
  row: number,
  { added, valuesOf }: Pick<OwnColumnsOptions, 'added' | 'valuesOf'>,
  nameOf: ReadonlyMap<string, string>,
): [string, Cell][] {
  const values = valuesOf(row) ?? {};
  return added.map((name) => [nameOf.get(name) ?? name, values[name] ?? null]);
}

/** The names of all columns, and those that hold free text. */
async function surveyColumns(
  file: DataFile,
  columns: FilePreview['columns'],
): Promise<{ readonly names: readonly string[]; readonly freeText: readonly string[] }> {
  const names = new Set(columns.map(({ name }) => name));
  const exact = new Set(columns.flatMap(({ name, role }) => (role !== null && EXACT_ROLES.has(role) ? [name] : [])));
  const free = new Set(columns.flatMap(({ name, role }) => (role === null || exact.has(name) ? [] : [name])));
  for await (const records of recordsOf(file)) {
    for (const [name, value] of records.flatMap((record) => [...flatValues(record).values])) {
      names.add(name);
      if (typeof value !== 'string' || exact.has(name)) continue;
      if (!ID.test(value) || SIGNED_TEXT.test(value)) free.add(name);
    }
  }
  return { names: [...names], freeText: [...free] };
}

async function* recordsOf(file: DataFile): AsyncGenerator<FileRecord[]> {
  for await (const batch of readRecords(file.open(), { fileName: file.name })) {
    yield batch.flatMap((item) => (isRowError(item) ? [] : [item]));
  }
}

function freeName(name: string, taken: readonly string[]): string {
  return taken.includes(name) ? freeName(`${name}_`, taken) : name;
}
