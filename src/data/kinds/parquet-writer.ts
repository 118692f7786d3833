/** Writes tables as Parquet, one group of rows after the other. Columns without a type are texts, written exactly. */
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import type { Cell } from '../files/table-writer.ts';

/** The types of columns that are no texts; every column may be empty. */
export type ColumnType = 'INT32' | 'DOUBLE' | 'BOOLEAN';

const GROUP_ROWS = 50_000;

/**
 * A table as the bytes of a Parquet file, packed by Snappy.
 *
 * @param types - of columns by their names; others are texts
 */
export async function parquetOf(
  columns: readonly string[],
  rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>,
  types: Readonly<Record<string, ColumnType>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ByteWriter();
  await parquetWriteRows({
    writer,
    columns: columns.map((name) => ({ name, type: types[name] ?? 'STRING', nullable: true })),
    rows: objectsOf(columns, rows, types),
    rowGroupSize: GROUP_ROWS,
  });
  return new Uint8Array(writer.getBytes());
}

async function* objectsOf(
  columns: readonly string[],
  rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>,
  types: Readonly<Record<string, ColumnType>>,
): AsyncGenerator<Record<string, Cell>> {
  for await (const row of rows) {
    const entries = columns.map((name, i): [string, Cell] => {
      const cell = row[i] ?? null;
      return [name, cell === null || types[name] !== undefined ? cell : String(cell)];
    });
    yield Object.fromEntries(entries);
  }
}
