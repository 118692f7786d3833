import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectFormat, readRecords } from '../../../../src/data/files/record-reader.ts';
import {
  describeRowError,
  isRowError,
  MAX_ROW_LENGTH,
  type FileFormat,
  type RowError,
} from '../../../../src/data/files/records.ts';
import { MAX_DEPTH } from '../../../../src/data/files/json-text.ts';
import { tableLines } from '../../../../src/data/files/table-writer.ts';
import { all, chunked } from './chunks.ts';

/** A record as [row, fields], an error as [row, problem]. */
async function rowsOf(content: string, fileName: string, size?: number, format?: FileFormat): Promise<unknown[]> {
  const batches = await all(readRecords(chunked(content, size), { fileName, format }));
  return batches.flat().map((item) => [item.row, isRowError(item) ? item.problem : Object.fromEntries(item.fields)]);
}

describe('CSV and TSV', () => {
  const header = 'query,title,grade';

  it.each([1, 3, 10, 1000])('are read in chunks of %i bytes', async (size) => {
    const file = `${header}\r\nkettle,"Kettle, 1.5 l",3\r\n\r\nmug,"a ""red"" mug\r\nof clay",0\r\nlast,größer,1`;
    expect(await rowsOf(file, 'a.csv', size)).toEqual([
      [2, { query: 'kettle', title: 'Kettle, 1.5 l', grade: '3' }],
      [4, { query: 'mug', title: 'a "red" mug\r\nof clay', grade: '0' }],
      [5, { query: 'last', title: 'größer', grade: '1' }],
    ]);
  });

  it.each(['\n', '\r\n', '\r'])('recognise the line end %j', async (newline) => {
    for (const size of [1, 1000]) {
      for (const end of ['', newline]) {
        expect(await rowsOf(['a,b', '1,2', '3,"4"'].join(newline) + end, 'a.csv', size)).toEqual([
          [2, { a: '1', b: '2' }],
          [3, { a: '3', b: '4' }],
        ]);
      }
    }
  });

  it('may mix line ends', async () => {
    expect(await rowsOf('a,b\r\n1,2\n3,4\r\n', 'a.csv')).toEqual([
      [2, { a: '1', b: '2' }],
      [3, { a: '3', b: '4' }],
    ]);
  });

  it('count empty lines anywhere, in any chunks', async () => {
    const blanks = fc.nat({ max: 5 });
    const newline = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(
        newline,
        fc.tuple(blanks, blanks, blanks),
        fc.integer({ min: 1, max: 9 }),
        async (end, counts, size) => {
          const [before, between, after] = counts;
          const lines = [...blank(before), 'a,b', ...blank(between), '1,2', ...blank(after), '3,4', ''];
          expect(await rowsOf(lines.join(end), 'a.csv', size)).toEqual([
            [before + between + 2, { a: '1', b: '2' }],
            [before + between + after + 3, { a: '3', b: '4' }],
          ]);
        },
      ),
    );
  });

  it('are read from a file with millions of empty lines', async () => {
    const many = 4_000_000;
    expect(await rowsOf(`a,b\n${'\n'.repeat(many)}1,2\n`, 'a.csv')).toEqual([[many + 2, { a: '1', b: '2' }]]);
    expect(await rowsOf(`${'\n'.repeat(many)}a,b\n1,2\n`, 'a.csv')).toEqual([[many + 2, { a: '1', b: '2' }]]);
    expect(await rowsOf(`${'\n'.repeat(many)}{"a":1}\n`, 'a.jsonl')).toEqual([[many + 1, { a: 1 }]]);
  });

  it.each([',', ';', '\t', '|'])('may be separated by %j', async (delimiter) => {
    const file = `\n\nquery${delimiter}"title, or name"\nkettle${delimiter}"steel${delimiter}lid"\n`;
    expect(await rowsOf(file, 'a.csv')).toEqual([[4, { query: 'kettle', 'title, or name': `steel${delimiter}lid` }]]);
  });

  it.each(['csv', 'tsv'])('treat a quote at the start of a cell as opening, in %s, for any header', async (format) => {
    const tab = format === 'csv' ? ',' : '\t';
    for (const names of [`query${tab}title`, `"query"${tab}title`]) {
      const file = `${names}\n15" laptop${tab}"15"" sleeve" \n"exact${tab}phrase"${tab}"two\nlines"\n`;
      expect(await rowsOf(file, `a.${format}`, 3)).toEqual([
        [2, { query: '15" laptop', title: '15" sleeve' }],
        [3, { query: `exact${tab}phrase`, title: 'two\nlines' }],
      ]);
    }
  });

  it('give an error for a broken row and continue', async () => {
    const file = `${header}\na,b,1,extra\nc,"d" x",2\n"e" f"\nh,i\nj,k,3,,\nl,"m,1\nn,o,2\n`;
    for (const size of [1, 7, 1000]) {
      expect(await rowsOf(file, 'a.csv', size)).toEqual([
        [2, 'it has too many cells'],
        [3, 'its quotes are broken'],
        [4, 'its quotes are broken'],
        [5, 'it has too few cells'],
        [6, 'it has too many cells'],
        [7, 'its quotes are broken'],
        [8, { query: 'n', title: 'o', grade: '2' }],
      ]);
    }
  });

  it('lose one row to an unclosed quote, however much follows', async () => {
    const filler = Array.from({ length: 50_000 }, (_, i) => `q,${'x'.repeat(20)},${i % 4}\n`).join('');
    const rows = await rowsOf(`${header}\na,"b,1\n${filler}`, 'a.csv', 50_000);
    expect(rows).toHaveLength(50_001);
    expect(rows[0]).toEqual([2, 'its quotes are broken']);
    expect(rows.at(-1)).toEqual([50_002, { query: 'q', title: 'x'.repeat(20), grade: '3' }]);
  });

  it('skip a line that is too long', async () => {
    const long = 'x'.repeat(MAX_ROW_LENGTH + 10);
    for (const cell of [long, `"${long}`, `"${long}"`]) {
      for (const size of [1 << 16, 1 << 23]) {
        expect(await rowsOf(`a,b\n1,2\n3,${cell}\n5,6\n`, 'a.csv', size)).toEqual([
          [2, { a: '1', b: '2' }],
          [3, 'it is too long'],
          [4, { a: '5', b: '6' }],
        ]);
      }
    }
  });

  it.each([';', ',', '\t', '|', '~'])("take %j from Excel's separator line", async (delimiter) => {
    const lines = [
      `sep=${delimiter}`,
      `"sep=${delimiter}"`,
      `\ufeff\ufeffSEP=${delimiter}`,
      `sep=${delimiter.repeat(3)}`,
    ];
    for (const line of lines) {
      for (const format of ['csv', 'tsv']) {
        const rows = await rowsOf(`${line}\r\nquery${delimiter}title\r\nred${delimiter}mug\r\n`, `a.${format}`, 2);
        expect(rows).toEqual([[2, { query: 'red', title: 'mug' }]]);
      }
    }
  });

  it('may be concatenated, each with its mark and header', async () => {
    const part = '\ufeffquery,title\nred,mug\n\ufeff"blue ""x""",lid\n';
    expect(await rowsOf(part + part, 'a.csv', 5)).toEqual([
      [2, { query: 'red', title: 'mug' }],
      [3, { query: 'blue "x"', title: 'lid' }],
      [4, 'it is the header again'],
      [5, { query: 'red', title: 'mug' }],
      [6, { query: 'blue "x"', title: 'lid' }],
    ]);
  });

  it('name unnamed columns by their index', async () => {
    expect(await rowsOf(',query,\n0,kettle,x\n', 'a.csv')).toEqual([
      [2, { 'column 1': '0', query: 'kettle', 'column 3': 'x' }],
    ]);
  });

  it('are rejected with repeated column names, without rows, or with an unreadable header', async () => {
    await expect(rowsOf('a,b, a\n1,2,3', 'a.csv')).rejects.toThrow(/a.csv: two columns have the same name.*Got "a"/);
    await expect(rowsOf(`[${','.repeat(500_000)}`, 'a.csv')).rejects.toThrow(
      /too many columns.*at most 16384.*500001/u,
    );
    await expect(rowsOf('\n \n', 'a.csv')).rejects.toThrow(/no rows/);
    await expect(rowsOf('a,"b\n1,2\n', 'a.csv')).rejects.toThrow(/header cannot be read.*not closed/);
  });

  it('round-trip any exact table', async () => {
    // Cells have no surrounding spaces (readers of fields trim), and rows are not empty (they would be skipped).
    const cell = fc.string({ unit: fc.constantFrom('a', 'ß', '"', ',', '\t', ';', '|', '\n', "'", '=', ' ', '🫖') });
    const table = fc.array(fc.tuple(cell, cell, fc.constant('end')), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom('csv', 'tsv'),
        fc.integer({ min: 1, max: 50 }),
        async (rows, format, size) => {
          const file = [...tableLines(['one', 'two', 'three'], rows, { format })].join('');
          const expected = rows.map(([one, two, three], index) => [index + 2, { one, two, three }]);
          expect(await rowsOf(file, `a.${format}`, size)).toEqual(expected);
        },
      ),
    );
  });
});

const blank = (count: number): string[] => Array.from({ length: count }, () => '');

describe('JSON lines', () => {
  it.each([1, 1000, 200_000])('lose one row to a value that is nested %i levels too deep', async (more) => {
    const depth = MAX_DEPTH + more;
    const deep = [
      `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      `{"a":${'{"b":'.repeat(depth)}1${'}'.repeat(depth)}}`,
    ];
    const rows = ['{"a":1}', ...deep, '{"a":2}'];
    const expected = [
      [1, { a: 1 }],
      [2, 'it is nested too deeply'],
      [3, depth * '{"b":}'.length > MAX_ROW_LENGTH ? 'the line is too long' : 'it is nested too deeply'],
      [4, { a: 2 }],
    ];
    expect(await rowsOf(rows.join('\n'), 'a.jsonl')).toEqual(expected);
    const fits = rows.filter((row) => row.length < MAX_ROW_LENGTH);
    expect(await rowsOf(`[${fits.join(',')}]`, 'a.json')).toMatchObject(
      fits.map((_, i) => [i + 1, expect.anything() as unknown]),
    );
  });

  it.each([1, 5, 1000])('are read in chunks of %i bytes, with errors for broken lines', async (size) => {
    const file = '{"a":1,"b":"x\\ny"}\r\n\n{"a":\n[1]\nnull\n{"a":"🫖"}';
    expect(await rowsOf(file, 'a.jsonl', size)).toEqual([
      [1, { a: 1, b: 'x\ny' }],
      [3, 'it is not JSON'],
      [4, 'it is not an object'],
      [5, 'it is not an object'],
      [6, { a: '🫖' }],
    ]);
  });

  it('may have a byte order mark before any line', async () => {
    expect(await rowsOf('\ufeff{"a":1}\n\ufeff{"a":2}\n', 'a.jsonl', 4)).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
  });

  it('keep the digits of every number', async () => {
    const numbers = '[781250306873012289,12.5,1e400,0.1000000000000000055]';
    expect(await rowsOf(`{"id":9007199254740993,"s":"9007199254740993","n":${numbers}}`, 'a.jsonl')).toEqual([
      [
        1,
        {
          id: '9007199254740993',
          s: '9007199254740993',
          n: ['781250306873012289', 12.5, '1e400', '0.1000000000000000055'],
        },
      ],
    ]);
    const id = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    await fc.assert(
      fc.asyncProperty(
        id,
        fc.string({ unit: fc.constantFrom('"', '\\', '1', '9'.repeat(16), ' ') }),
        async (big, text) => {
          const [row] = await rowsOf(`{${JSON.stringify(text)}:${JSON.stringify(text)},"-":${big}}`, 'a.jsonl');
          expect(row).toMatchObject([1, { [text]: text }]);
          expect(String((row as [number, { '-': unknown }])[1]['-'])).toBe(String(big));
        },
      ),
    );
  });

  it('are distinguished from one object over several lines, which is rejected once', async () => {
    const one = JSON.stringify({ queries: [{ query: 'a' }] }, undefined, 1);
    for (const name of ['a.json', 'a.jsonl']) {
      await expect(rowsOf(one, name)).rejects.toThrow(/one JSON object over several lines/);
    }
    expect(await rowsOf('{"a":1\n{"a":2}\n', 'a.jsonl')).toEqual([
      [1, 'it is not JSON'],
      [2, { a: 2 }],
    ]);
  });

  it('skip a line that is too long', async () => {
    const long = JSON.stringify({ a: 'x'.repeat(MAX_ROW_LENGTH) });
    const expected = [
      [1, { a: 1 }],
      [2, 'the line is too long'],
      [3, { a: 2 }],
      [4, 'the line is too long'],
    ];
    expect(await rowsOf(`{"a":1}\n${long}\n{"a":2}\n${long}`, 'a.jsonl')).toEqual(expected);
    expect(await rowsOf(`{"a":1}\n${long}\n{"a":2}\n${long}`, 'a.jsonl', 1 << 22)).toEqual(expected);
  });
});

describe('a JSON array', () => {
  it.each([1, 4, 1000])('is read in chunks of %i bytes, with errors for broken items', async (size) => {
    const file = '\n[ {"a": "],}[\\"{", "b": [1, {"c": [2]}]},\n {"a" 1}, 7, {"a":2} ]\n';
    expect(await rowsOf(file, 'a.json', size)).toEqual([
      [1, { a: '],}["{', b: [1, { c: [2] }] }],
      [2, 'it is not JSON'],
      [3, 'it is not an object'],
      [4, { a: 2 }],
    ]);
  });

  it('may be empty', async () => {
    expect(await rowsOf('[ ]', 'a.json')).toEqual([]);
  });

  it('round-trips the output of JSON.stringify', async () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue()).filter((value) => !Object.hasOwn(value, '__proto__'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { maxLength: 4 }),
        fc.nat(3),
        fc.integer({ min: 1, max: 30 }),
        async (items, space, size) => {
          const expected = items.map((item, index) => [index + 1, JSON.parse(JSON.stringify(item)) as unknown]);
          expect(await rowsOf(JSON.stringify(items, undefined, space), 'a.json', size)).toEqual(expected);
        },
      ),
    );
  });

  it.each(['[{"a":1}', '[{"a":"]', '[{"a":1}] x', '[{"a":1}][', '[{"a":1}}', '[[[[', '{}'])(
    'is rejected as %s',
    async (file) => {
      for (const size of [1, 1000])
        await expect(rowsOf(file, 'a.json', size, 'json')).rejects.toMatchObject({ code: 'bad-file' });
    },
  );

  it('has a broken last item after a trailing comma', async () => {
    expect(await rowsOf('[{"a":1},]', 'a.json')).toEqual([
      [1, { a: 1 }],
      [2, 'it is not JSON'],
    ]);
  });
});

describe('readRecords on any text', () => {
  it('gives records, row errors or bad-file', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\t', '\n', '\r', '{', '}', '[', ']', ':', '\\', '1', ' '),
      minLength: 1,
      maxLength: 40,
    });
    const format = fc.constantFrom<FileFormat[]>('csv', 'tsv', 'jsonl', 'json');
    await fc.assert(
      fc.asyncProperty(text, format, fc.integer({ min: 1, max: 40 }), async (content, as, size) => {
        // The outcome is the same in chunks and at once.
        const outcome = (chunkSize: number): Promise<unknown> =>
          rowsOf(content, 'a', chunkSize, as).catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'bad-file' });
            return 'bad-file';
          });
        expect(await outcome(size)).toEqual(await outcome(1000));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('detectFormat', () => {
  it.each<[name: string, head: string, format: FileFormat]>([
    ['a.csv', '{"a":1}', 'csv'],
    ['A.TSV.GZ', '', 'tsv'],
    ['a.jsonl.gz', '', 'jsonl'],
    ['a.ndjson', '', 'jsonl'],
    ['a.json', ' [', 'json'],
    ['a.json', '{"a":1}\n{"a":2}', 'jsonl'],
    ['a.txt', 'query\ttitle', 'csv'],
    ['a.gz', '[{', 'json'],
    ['pairs', 'query,title', 'csv'],
  ])('of %s that starts with %j is %s', (name, head, format) => {
    expect(detectFormat(name, head)).toBe(format);
  });
});

describe('describeRowError', () => {
  it('gives the place, the problem, expected and got', () => {
    const error: RowError = {
      row: 7,
      column: 'grade',
      problem: 'the grade is not on the scale',
      expected: '0 to 3',
      got: '"9"',
    };
    expect(describeRowError(error)).toBe(
      'Row 7, column "grade": the grade is not on the scale. Expected 0 to 3. Got "9".',
    );
    expect(describeRowError({ ...error, column: '' })).toMatch(/^Row 7: /);
  });
});
