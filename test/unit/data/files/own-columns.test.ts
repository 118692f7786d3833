/** A file with added columns says what it said before, and no spreadsheet runs what strangers wrote. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnNames } from '../../../../src/data/files/columns.ts';
import type { DataFile } from '../../../../src/data/files/data-set-reader.ts';
import { withAddedColumns } from '../../../../src/data/files/own-columns.ts';
import { previewFile } from '../../../../src/data/files/preview.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { isRowError } from '../../../../src/data/files/records.ts';
import { tableLines } from '../../../../src/data/files/table-writer.ts';

const COLUMNS = ['query', 'docId', 'title', 'Custodian', 'Price'] as const;
const id = fc.stringMatching(/^-?[A-Za-z0-9._/-]{1,12}$/u);
const words = fc.array(fc.constantFrom('red', '=SUM(A1)', '+49', '-x y', '@here', 'kettle', '"q"', 'a,b'), {
  minLength: 1,
  maxLength: 4,
});
const text = words.map((each) => each.join(' '));
const price = fc.integer({ min: -500, max: 500 }).map((cents) => (cents / 100).toFixed(2));
const anyRows = fc.array(fc.tuple(text, id, text, id, price), { minLength: 1, maxLength: 8 });

function fileOf(name: string, contents: string): DataFile {
  return {
    name,
    open: async function* open() {
      yield await Promise.resolve(new TextEncoder().encode(contents));
    },
  };
}

async function withLabels(file: DataFile, format: 'csv' | 'tsv' | 'jsonl', columns: ColumnNames = {}): Promise<string> {
  const preview = await previewFile(file, columns);
  const options = {
    format,
    columns: preview.columns,
    added: ['label', 'title'],
    addedText: ['title'],
    valuesOf: (row: number) => ({ label: row, title: `=${row}` }),
  };
  let whole = '';
  for await (const piece of withAddedColumns(file, options)) whole += piece;
  return whole;
}

async function recordsOf(file: DataFile): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for await (const batch of readRecords(file.open(), { fileName: file.name })) {
    for (const item of batch) if (!isRowError(item)) records.push(Object.fromEntries(item.fields));
  }
  return records;
}

describe('a file with added columns', () => {
  it('keeps ids and numbers exactly, and every row', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.constantFrom('csv' as const, 'tsv' as const), async (rows, format) => {
        const file = fileOf('own.csv', [...tableLines([...COLUMNS], rows, { format: 'csv' })].join(''));
        const written = await withLabels(file, format);
        const back = await recordsOf(fileOf(`back.${format}`, written));
        expect(back.map((record) => [record['docId'], record['Custodian'], record['Price']])).toEqual(
          rows.map((row) => [row[1], row[3], row[4]]),
        );
        // The file has a title already: the added one gets another name.
        expect(back.map((record) => [record['label'], record['title_']])).toEqual(
          rows.map((_, i) => [String(i + 2), `'=${i + 2}`]),
        );
      }),
    );
  });

  it('leaves nothing in free text that a spreadsheet would run', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        const file = fileOf('own.csv', [...tableLines([...COLUMNS], rows, { format: 'csv' })].join(''));
        const back = await recordsOf(fileOf('back.csv', await withLabels(file, 'csv')));
        expect(back).toHaveLength(rows.length);
        for (const [i, record] of back.entries()) {
          for (const [name, original] of [
            ['query', rows[i]?.[0]],
            ['title', rows[i]?.[2]],
          ] as const) {
            const cell = String(record[name]);
            expect(cell).not.toMatch(/^[=+\-@]/u);
            expect(cell.replace(/^'/u, '')).toBe(original);
          }
        }
      }),
    );
  });

  it('guards a column that is kept as it is once a cell of it is no id', async () => {
    const file = fileOf('own.csv', 'query,title,note,code\na,b,=1+1,-7\nc,d,-5,-x9\n');
    expect(await withLabels(file, 'csv')).toContain("a,b,'=1+1,-7,");
    expect(await withLabels(file, 'csv')).toContain("c,d,'-5,-x9,");
  });

  it('writes JSON lines as they were, nested documents too', async () => {
    const line = { query: 'q', document: { title: 't', docId: '0012' }, extra: [1, 2], id: '12345678901234567890' };
    const written = await withLabels(fileOf('own.jsonl', `${JSON.stringify(line)}\n`), 'jsonl');
    expect(JSON.parse(written)).toEqual({ ...line, label: 1, title: '=1' });
  });

  it('shows which column is what, with a role taken away on request', async () => {
    const file = fileOf('own.csv', 'query,title,brand,color,Price\na,b,c,red,5\n');
    const rolesUnder = async (columns: ColumnNames): Promise<(string | null)[]> =>
      (await previewFile(file, columns)).columns.map(({ role }) => role);
    expect(await rolesUnder({})).toEqual(['query', 'title', 'brand', 'attribute', null]);
    expect(await rolesUnder({ brand: '', text: 'Price' })).toEqual(['query', 'title', null, 'attribute', 'text']);
  });
});
