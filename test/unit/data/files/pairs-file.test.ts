import { gzipSync } from 'node:zlib';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  loadDocuments,
  loadJudgedPairs,
  readDocuments,
  readPairs,
  type PairsOptions,
} from '../../../../src/data/files/pairs-file.ts';
import type { ColumnNames } from '../../../../src/data/files/columns.ts';
import { TwoFiles } from '../../../../src/data/files/fields.ts';
import { isRowError } from '../../../../src/data/files/records.ts';
import { BINARY_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { all, chunked } from './chunks.ts';

const CSV = `query_id,query,product_id,product_title,product_brand,product_description,attributes,grade
7,steel kettle,d1,Kettle,Acme,Boils.,"colour: red | litres: 1.5",3
7,steel kettle,d2,Mug,,,,0
,Red  Mug,d2,Mug,,,,exact
`;

const JSONL = [
  {
    queryId: '7',
    query: 'steel kettle',
    document: {
      docId: 'd1',
      title: 'Kettle',
      brand: 'Acme',
      text: 'Boils.',
      attributes: { colour: 'red', litres: '1.5' },
    },
    grade: 3,
  },
  { queryId: '7', query: 'steel kettle', docId: 'd2', title: 'Mug', label: 0 },
  { query: 'Red  Mug', product: { id: 'd2', name: 'Mug' }, label: 'E' },
];

const PAIRS = [
  {
    query: 'steel kettle',
    queryId: '7',
    label: 3,
    document: makeDocument({
      docId: 'd1',
      title: 'Kettle',
      brand: 'Acme',
      text: 'Boils.',
      attributes: { colour: 'red', litres: '1.5' },
    }),
  },
  { query: 'steel kettle', queryId: '7', label: 0, document: makeDocument({ docId: 'd2', title: 'Mug' }) },
  { query: 'Red  Mug', queryId: 'red mug', label: 3, document: makeDocument({ docId: 'd2', title: 'Mug' }) },
];

async function pairsOf(
  content: string | Uint8Array,
  fileName: string,
  options: Partial<PairsOptions> = {},
): Promise<unknown[]> {
  const items = await all(readPairs(chunked(content, 50), { fileName, ...options }));
  return items.map((item) => (isRowError(item) ? item : item.pair));
}

describe('readPairs', () => {
  it('gives equal results for equal pairs in every format, gzipped or not', async () => {
    const lines = JSONL.map((value) => JSON.stringify(value)).join('\n');
    const files: readonly (readonly [content: string, fileName: string])[] = [
      [CSV, 'a.csv'],
      [CSV.replaceAll(',', '\t').replaceAll('"', ''), 'a.tsv'],
      [lines, 'a.jsonl'],
      [JSON.stringify(JSONL, undefined, 1), 'a.json'],
    ];
    for (const [content, fileName] of files) {
      expect(await pairsOf(content, fileName)).toEqual(PAIRS);
      expect(await pairsOf(gzipSync(new TextEncoder().encode(content)), `${fileName}.gz`)).toEqual(PAIRS);
    }
  });

  it('reports bad rows with row, column, expected and got, and continues', async () => {
    const file = 'query,title,grade\n,Kettle,1\nkettle,,1\nkettle,Kettle,9\nkettle,Kettle,2\nkettle,Kettle,\n';
    expect(await pairsOf(file, 'a.csv')).toEqual([
      { row: 2, column: 'query', problem: 'the query is missing', expected: 'a text', got: '""' },
      { row: 3, column: 'title', problem: 'the title is missing', expected: 'a text', got: '""' },
      expect.not.objectContaining({ label: expect.anything() as unknown }),
      expect.objectContaining({ query: 'kettle', label: 2 }),
      expect.not.objectContaining({ label: expect.anything() as unknown }),
    ]);
    const json =
      '{"query":{"a":1},"title":"x"}\n{"query":"q","title":"x","attributes":[1]}\n{"q":"q"}\n{"query":"q","title":7,"grade":true}';
    expect(await pairsOf(json, 'a.jsonl')).toMatchObject([
      { row: 1, column: 'query', problem: 'it is not a text' },
      { row: 2, column: 'attributes', problem: 'the attributes are not an object' },
      { row: 3, column: 'title', problem: 'the title is missing' },
      { query: 'q', document: { title: '7' } },
    ]);
  });

  it("uses the user's names of columns and grades", async () => {
    const file = 'text;query;score\nkettle;Kettle;good\nkettle;Mug;bad\n';
    const options = {
      columns: { query: 'text', title: 'query', grade: 'score' },
      grades: 'good=1,bad=0',
      scale: BINARY_SCALE,
    } as const;
    expect(await pairsOf(file, 'a.csv', options)).toMatchObject([
      { query: 'kettle', document: { title: 'Kettle' }, label: 1 },
      { query: 'kettle', document: { title: 'Mug' }, label: 0 },
    ]);
  });

  it('rejects a table without required columns, and lists those it has', async () => {
    await expect(pairsOf('a,b\n1,2\n', 'a.csv')).rejects.toThrow(
      /a.csv: no column is recognised as the query.*Got the columns a, b. Rename/,
    );
    await expect(pairsOf('query,grade\n1,2\n', 'a.csv')).rejects.toThrow(/recognised as the title/);
    await expect(pairsOf(CSV, 'a.csv', { columns: { grade: 'stars' } })).rejects.toThrow(/no column "stars"/);
    await expect(pairsOf('query,title\n', 'a.csv', { documents: new Map() })).rejects.toThrow(
      /recognised as the docId/,
    );
  });

  it('gives a document without an id one from its content', async () => {
    const [a, b, c] = (await pairsOf('query,title\nq,Kettle\nr,Kettle\nq,Mug\n', 'a.csv')) as {
      document: { docId: string };
    }[];
    expect(a?.document.docId).toMatch(/^content-[0-9a-f]{32}$/);
    expect(b?.document.docId).toBe(a?.document.docId);
    expect(c?.document.docId).not.toBe(a?.document.docId);
  });

  it('reads ids and queries with their outer spaces, which neither the text of the query nor the title has', async () => {
    const ids = ['a', 'a ', ' a', '\ta', 'a\n'];
    const rows = ids.map((docId) => ({ query: ' mug\t', queryId: docId, docId, title: ' Mug\n' }));
    const cells = rows.map((row) => Object.values(row).map((cell) => `"${cell}"`));
    for (const [name, file] of [
      ['p.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')],
      ['p.csv', `query,queryId,docId,title\n${cells.map((row) => row.join(',')).join('\n')}\n`],
      ['p.tsv', `query\tqueryId\tdocId\ttitle\n${cells.map((row) => row.join('\t')).join('\n')}\n`],
    ] as const) {
      const items = await all(readPairs(chunked(file, 16), { fileName: name }));
      expect(items).toMatchObject(
        ids.map((docId) => ({
          ownQuery: ' mug\t',
          pair: { query: 'mug', queryId: docId, document: { docId, title: 'Mug' } },
        })),
      );
    }
    const documents = await loadDocuments(chunked('docId,title\n"a ",Mug\na,Lamp\n', 16), { fileName: 'd.csv' });
    expect(await pairsOf('query,docId\nq,a\nq,"a "\n', 'p.csv', { documents: documents.items })).toMatchObject([
      { document: { title: 'Lamp' } },
      { document: { title: 'Mug' } },
    ]);
  });

  it('uses the text in place of an empty title', async () => {
    expect(await pairsOf('query,title,text\nq,,All there is.\n', 'a.csv')).toMatchObject([
      { document: { title: 'All there is.', text: '' } },
    ]);
  });

  it('does not change prototypes', async () => {
    const file =
      '{"query":"q","title":"t","__proto__":{"polluted":1}}\n{"query":"q","title":"t","attributes":{"__proto__":{"polluted":1}}}';
    const [first, second] = await pairsOf(file, 'a.jsonl');
    expect(first).toMatchObject({ query: 'q' });
    expect(second).toMatchObject({ row: 2, problem: 'an attribute has a forbidden name' });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('loadJudgedPairs', () => {
  it('collects pairs, and counts rows without a grade as errors', async () => {
    const { items, errors, errorCount } = await loadJudgedPairs(chunked('query,title,grade\nq,t,1\nq,u,\n'), {
      fileName: 'a.csv',
    });
    expect(items).toMatchObject([{ query: 'q', label: 1 }]);
    expect(errors).toMatchObject([{ row: 3, problem: 'the grade is missing' }]);
    expect(errorCount).toBe(1);
  });

  it('keeps the first thousand errors and counts all', async () => {
    const { items, errors, errorCount } = await loadJudgedPairs(
      chunked(`query,title,grade\n${'q,t,9\n'.repeat(1500)}`),
      { fileName: 'a.csv' },
    );
    expect([items.length, errors.length, errorCount]).toEqual([0, 1000, 1500]);
  });

  it('joins documents of a second file', async () => {
    const documents = await loadDocuments(
      chunked('{"docId":"a","title":"A"}\n{"docId":"a","title":"B"}\n{"title":"C"}\n'),
      { fileName: 'docs.jsonl' },
    );
    expect([...documents.items]).toEqual([['a', makeDocument({ docId: 'a', title: 'A' })]]);
    expect(documents.errors).toMatchObject([
      { row: 2, problem: 'the docId was used before with other text', got: '"a"' },
      { row: 3, problem: 'the docId is missing' },
    ]);
    const pairs = await loadJudgedPairs(chunked('query\tdocId\tgrade\nq\ta\t2\nq\tb\t1\n'), {
      fileName: 'pairs.tsv',
      documents: documents.items,
    });
    expect(pairs.items).toEqual([
      { query: 'q', queryId: 'q', label: 2, document: makeDocument({ docId: 'a', title: 'A' }) },
    ]);
    expect(pairs.errors).toEqual([
      {
        row: 3,
        column: 'docId',
        problem: 'the document is unknown',
        expected: 'a docId of the documents file',
        got: '"b"',
      },
    ]);
  });
});

describe('columns named for two files', () => {
  const read = async (columns: ColumnNames): Promise<number> => {
    const twoFiles = new TwoFiles();
    const { items: documents } = await loadDocuments(chunked('sku,title\na,A\n'), {
      fileName: 'd.csv',
      columns,
      twoFiles,
    });
    const file = chunked('query,article,points\nq,a,2\n');
    return (await loadJudgedPairs(file, { fileName: 'p.csv', columns, documents, twoFiles })).items.length;
  };

  it('may be in either', async () => {
    await expect(read({ docId: 'article', grade: 'points' })).resolves.toBe(1);
  });

  it.each<[ColumnNames, RegExp]>([
    [{ docId: 'artikel', grade: 'points' }, /p\.csv: there is no column "artikel"/u],
    [{ docId: 'article', grade: 'stars' }, /p\.csv: there is no column "stars"/u],
    [{ docId: 'article', grade: 'points', title: 'name' }, /d\.csv: there is no column "name"/u],
  ])('are rejected if they are in neither: %o', async (columns, message) => {
    await expect(read(columns)).rejects.toThrow(message);
  });
});

// Real judgments, if available, are in a folder next to the repository; see its README.
const realData = new URL('../../../../../shared/data/', import.meta.url);
const available = existsSync(new URL('chorus/pairs.jsonl.gz', realData));
if (!available)
  process.stdout.write('pairs-file.test: real judged pairs are missing (../shared/data); their tests are skipped.\n');

describe.skipIf(!available)('real judged pairs', () => {
  const file = (path: string): AsyncIterable<Uint8Array> =>
    chunked(new Uint8Array(readFileSync(new URL(path, realData))));

  it('of product search are read completely', async () => {
    const documents = await loadDocuments(file('chorus/docs.jsonl.gz'), { fileName: 'docs.jsonl.gz' });
    expect([documents.items.size, documents.errors]).toEqual([2517, []]);
    const pairs = await loadJudgedPairs(file('chorus/pairs.jsonl.gz'), {
      fileName: 'pairs.jsonl.gz',
      documents: documents.items,
    });
    expect([pairs.items.length, pairs.errors]).toEqual([2712, []]);
    expect(new Set(pairs.items.map(({ queryId }) => queryId)).size).toBe(97);
    const shares = [0, 1, 2, 3].map((label) => pairs.items.filter((pair) => pair.label === label).length);
    expect(shares).toEqual([1488, 86, 82, 1056]);
  });

  it('of movie search are read completely', async () => {
    const rows = await all(readDocuments(file('msrd/docs.jsonl.gz'), { fileName: 'docs.jsonl.gz' }));
    expect(rows).toHaveLength(9750);
    expect(rows.filter(isRowError)).toEqual([]);
    const documents = await loadDocuments(file('msrd/docs.jsonl.gz'), { fileName: 'docs.jsonl.gz' });
    const options = { fileName: 'pairs.jsonl.gz', documents: documents.items, scale: BINARY_SCALE };
    const pairs = await loadJudgedPairs(file('msrd/pairs.jsonl.gz'), options);
    expect([pairs.items.length, pairs.errorCount]).toEqual([308_584, 0]);
  });
});
