import { describe, expect, it } from 'vitest';
import { jsonLines, tableLines, type Cell, type TableOptions } from '../../../../src/data/files/table-writer.ts';

function table(rows: readonly (readonly Cell[])[], options: TableOptions): string {
  return [...tableLines(['query', 'score'], rows, options)].join('');
}

// Reading exact tables back is tested with the reader, in record-reader.test.ts.
describe('tableLines', () => {
  it('writes CSV with quotes where necessary', () => {
    const rows = [
      ['a "b", c', 0.5],
      [' d\ne', true],
      [null, -1],
    ];
    expect(table(rows, { format: 'csv' })).toBe('query,score\r\n"a ""b"", c",0.5\r\n" d\ne",true\r\n,-1\r\n');
  });

  it('writes TSV with all cells in quotes', () => {
    expect(table([['15" tv\tx', 1]], { format: 'tsv' })).toBe('"query"\t"score"\n"15"" tv\tx"\t"1"\n');
  });

  it('makes formulas in free text harmless, including cells with line breaks, and keeps all else exact', () => {
    const formulas = ['=HYPERLINK("x")', '+1', '-12v battery', '@a', '\t=1', '=1+\n2', '\r=1', '\n=1', '\uFF1D1'];
    const options = { format: 'tsv', freeText: ['title'] } as const;
    const rows = formulas.map((text) => [text, text]);
    const [, ...lines] = [...tableLines(['docId', 'title'], rows, options)];
    for (const [i, text] of formulas.entries()) {
      const quoted = text.replaceAll('"', '""');
      expect(lines[i]).toBe(`"${quoted}"\t"'${quoted}"\n`);
    }
  });

  it('keeps numbers and harmless texts unchanged', () => {
    const options = { format: 'csv', freeText: ['query', 'score'] } as const;
    expect(table([["it's = 1", -1]], options)).toBe("query,score\r\nit's = 1,-1\r\n");
  });

  it('writes line by line', () => {
    expect([...tableLines(['a'], [['x'], ['y']], { format: 'csv' })]).toEqual(['a\r\n', 'x\r\n', 'y\r\n']);
  });
});

describe('jsonLines', () => {
  it('writes one value per line', () => {
    const values = [{ a: 'line\nbreak', b: [1] }, { a: '=1' }];
    const lines = [...jsonLines(values)];
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(values);
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  });
});
