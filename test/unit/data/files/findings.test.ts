/** Repetitions and contradictions in a file do not change what is read, and all of them are reported. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readColumns, readDataSet } from '../../../../src/data/files/data-set-reader.ts';
import { decodeDataSet } from '../../../../src/data/files/data-set.ts';
import { Findings } from '../../../../src/data/files/findings.ts';
import { loadDocuments, readPairs } from '../../../../src/data/files/pairs-file.ts';
import { isRowError } from '../../../../src/data/files/records.ts';
import { dataSetOf, textFile } from '../../runs/own-pairs.ts';
import { all, chunked } from './chunks.ts';

/** The pairs of a file and its findings. */
async function read(content: string, fileName: string, options: Parameters<typeof readPairs>[1] | object = {}) {
  const findings = new Findings();
  const items = await all(readPairs(chunked(content, 64), { fileName, findings, ...options }));
  return { pairs: items.flatMap((item) => (isRowError(item) ? [] : [item.pair])), said: findings.sentences() };
}

const jsonLines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('the findings about a file', () => {
  it('report repeated pairs and contradicting grades', async () => {
    const rows = ['red mug,a,mug,3', 'red mug,a,mug,0', 'Red  MUG,a,mug,3.0', 'blue mug,a,mug,1'];
    const { pairs, said } = await read(`query,docId,title,grade\n${rows.join('\n')}\n`, 'p.csv');
    expect(pairs).toHaveLength(4);
    expect(said).toEqual([
      '1 row with a different grade for an earlier pair: "0" in row 3, "3" in row 2.',
      '1 row with an earlier pair: row 4 repeats row 2.',
    ]);
  });

  it('report ids with two meanings, which count as different documents', async () => {
    const file =
      'query,queryId,docId,title,grade\nmug,1,a,red mug,3\nmug,1,a,blue mug,3\nlamp,1,b,lamp,0\nlamp,2,b,lamp,0\n';
    expect((await read(file, 'p.csv')).said).toEqual([
      '1 row with different text under an earlier docId, treated as a different document: "a" in row 3 and row 2.',
      '1 row with a different query under an earlier queryId, treated as the same list: "lamp" in row 4, "mug" in row 2.',
    ]);
    expect((await dataSetOf(file, 'p.csv')).documents).toHaveLength(3);
  });

  it('report ambiguous columns and grades without a label', async () => {
    const file = 'query,title,rating,rel,id,sku\nmug,mug,5,3,1,a\nmug,lamp,oops,0,2,b\nmug,rug,-1,0,3,c\n';
    const { pairs, said } = await read(file, 'p.csv', { grades: '5=1,-1=none' });
    expect(pairs.map(({ label }) => label)).toEqual([1, undefined, undefined]);
    expect(said).toEqual([
      '"sku" is used as the docId; "id" would also qualify.',
      '"rating" is used as the grade; "rel" would also qualify.',
      '1 row with a grade that has no label, and so without a comparison: "oops" (1 row, first 3).',
      '1 row with a grade declared as none.',
    ]);
    expect((await read(file, 'p.csv', { columns: { grade: 'rel', docId: 'id' } })).said).toEqual([]);
  });
});

describe('several nested documents', () => {
  it('are reported, because only one is read', async () => {
    const rows = ['red mug', 'lamp'].map((title) => ({ query: 'mug', doc: { title }, product: { title: 'hose' } }));
    const { pairs, said } = await read(rows.map((row) => JSON.stringify(row)).join('\n'), 'p.jsonl');
    expect(pairs.map(({ document }) => document.title)).toEqual(['red mug', 'lamp']);
    expect(said).toEqual(['"doc" is used as the document; "product" would also qualify.']);
  });
});

describe('what is read', () => {
  const word = fc.constantFrom('red', 'mug', 'lamp', 'blue', 'rug', '5"');
  const text = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));
  const record = fc.record({
    query: text,
    docId: fc.integer({ min: 0, max: 5 }).map(String),
    title: text,
    grade: fc.nat(3),
  });
  const records = fc.array(record, { minLength: 1, maxLength: 8 });

  it('does not depend on the names of ids', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.bigInt({ min: 2n ** 60n, max: 2n ** 70n }), async (rows, offset) => {
        const renamed = rows.map((row) => ({ ...row, docId: `id-${String(offset + BigInt(row.docId))}` }));
        const [one, other] = [await read(jsonLines(rows), 'p.jsonl'), await read(jsonLines(renamed), 'p.jsonl')];
        const without = ({ pairs }: typeof one) =>
          pairs.map((pair) => ({ ...pair, document: { ...pair.document, docId: '' } }));
        expect(without(other)).toEqual(without(one));
        expect(other.said.length).toBe(one.said.length);

        // Beyond 2^53 they are numbers with the same digits.
        const numbers = jsonLines(renamed).replaceAll(/"id-(\d+)"/gu, '$1');
        const asNumbers = await read(numbers, 'p.jsonl');
        expect(asNumbers.pairs.map(({ document }) => `id-${document.docId}`)).toEqual(
          other.pairs.map(({ document }) => document.docId),
        );
      }),
    );
  });

  it('does not depend on other columns, nor on document keys with the names of pair fields', async () => {
    await fc.assert(
      fc.asyncProperty(records, text, async (rows, noise) => {
        const plain = await read(jsonLines(rows), 'p.jsonl');
        const more = rows.map((row) => ({ colour_of_label: noise, ...row, locale: noise }));
        expect((await read(jsonLines(more), 'p.jsonl')).pairs).toEqual(plain.pairs);
        const nested = rows.map(({ query, grade, docId, title }) => ({
          product: { query: noise, grade: 9, label: noise, queryId: 7, docId, title, name: noise },
          query,
          grade,
          title: noise,
        }));
        expect((await read(jsonLines(nested), 'p.jsonl')).pairs).toEqual(plain.pairs);
      }),
    );
  });

  it('is the same row by row in another order', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (rows) => {
        const [there, back] = [
          await read(jsonLines(rows), 'p.jsonl'),
          await read(jsonLines(rows.toReversed()), 'p.jsonl'),
        ];
        expect(back.pairs.toReversed()).toEqual(there.pairs);
      }),
    );
  });
});

describe('documents without ids', () => {
  it('never share an id, and keep it through the stored form of a data set', async () => {
    // These two have equal 32-bit hashes.
    const file = 'query,title,grade\nred kettle,garden hose glass 17683,0\nred kettle,red kettle steel 100852,3\n';
    const dataSet = await dataSetOf(file, 'p.csv');
    expect(new Set(dataSet.documents.map(({ docId }) => docId)).size).toBe(2);
    expect(await decodeDataSet('p.csv', dataSet.sha256, dataSet.bytes)).toEqual(dataSet);
  });
});

describe('two files', () => {
  const pairs = 'query,item_code,grade\nmug,1,3\nlamp,2,0\n';
  const documents = 'sku_code,display name\n1,red mug\n2,hose\n1,red mug\n';

  it('are both read by the column names of the user', async () => {
    const columns = { docId: 'sku_code', title: 'display name' };
    const files = [textFile('p.csv', pairs.replace('item_code', 'docId')), textFile('d.csv', documents)];
    const { dataSet, errorCount } = await readDataSet(files, { columns });
    expect(dataSet.pairs.map(({ document: { title } }) => title)).toEqual(['red mug', 'hose']);
    expect(errorCount).toBe(0); // the same text under one id is fine
    await expect(readDataSet(files, { columns: { ...columns, title: 'name' } })).rejects.toThrow(
      /d\.csv.*no column "name"/u,
    );
    await expect(readDataSet(files, { columns: { ...columns, grade: 'score' } })).rejects.toThrow(
      /p\.csv.*no column "score"/u,
    );
  });

  it('list their columns even if they are not usable', async () => {
    const files = [textFile('p.csv', pairs), textFile('d.csv', documents)];
    const { names, found } = await readColumns(files);
    expect(names).toEqual(['query', 'grade', 'item_code', 'sku_code', 'display name']);
    expect(Object.fromEntries(found)).toEqual({ query: 'query', grade: 'grade' });
    expect((await readColumns([textFile('e.csv', 'a,b\n')])).names).toEqual(['a', 'b']);
    expect((await readColumns([textFile('n.jsonl', '{"q":"x","doc":{"name":"y","id":1}}')])).names).toEqual([
      'q',
      'doc.id',
      'doc.name',
    ]);
  });

  it('distinguish ids beyond 2^53', async () => {
    const docs = '{"docId":9007199254740993,"title":"red mug"}\n{"docId":9007199254740992,"title":"hose"}\n';
    const { items, errorCount } = await loadDocuments(chunked(docs), { fileName: 'd.jsonl' });
    expect([...items.keys(), errorCount]).toEqual(['9007199254740993', '9007199254740992', 0]);
  });
});
