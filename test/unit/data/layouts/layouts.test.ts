/** Layouts: each is found by its contents, read into the same judged rows, and says what it lacks. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnNames } from '../../../../src/data/files/columns.ts';
import { TwoFiles } from '../../../../src/data/files/fields.ts';
import { loadDocuments, readGradedPairs } from '../../../../src/data/files/pairs-file.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { describeRowError, isRowError } from '../../../../src/data/files/records.ts';
import type { GivenFile } from '../../../../src/data/kinds/given-file.ts';
import {
  openData,
  type OpenDataOptions,
  type OpenedData,
  shapeOfFiles,
} from '../../../../src/data/layouts/open-data.ts';
import {
  BEIR_QRELS,
  CORPUS,
  DOCS_TSV,
  type Files,
  JUDGED,
  LAYOUTS,
  QRELS,
  QUERIES,
  TOPICS,
  TREC_DOCS,
} from './cases.ts';
import { chunked } from '../files/chunks.ts';
import { given, outcome, workbookOf, textRow, zipOf } from '../kinds/given.ts';

/** A pair as a line: query, id of the document, its title, its grade; what cannot be read as a sentence. */
async function pairsOf(files: Files, options: OpenDataOptions = {}): Promise<{ layout: string; pairs: string[] }> {
  const opened = await openData(
    Object.entries(files).map(([name, content]) => given(name, content)),
    options,
  );
  return readAll(opened, options.columns ?? {});
}

async function* inPieces(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield* chunked(chunk, size);
}

async function readAll(opened: OpenedData, columns: ColumnNames): Promise<{ layout: string; pairs: string[] }> {
  const { pairs, documents } = opened;
  const twoFiles = documents === undefined ? undefined : new TwoFiles();
  const loaded =
    documents === undefined
      ? undefined
      : await loadDocuments(documents.open(), { fileName: documents.name, columns, twoFiles });
  const lines: string[] = (loaded?.errors ?? []).map(describeRowError);
  const how = { fileName: pairs.name, columns, twoFiles, documents: loaded?.items };
  for await (const item of readGradedPairs(pairs.open(), how, { needsGrade: false })) {
    if (isRowError(item)) {
      lines.push(describeRowError(item));
      continue;
    }
    const { query, document } = item.pair;
    const id = document.docId.startsWith('content-') ? '*' : document.docId;
    lines.push(`${query} | ${id} | ${document.title} | ${item.grade}`);
  }
  return { layout: opened.layout, pairs: lines };
}

describe.each(Object.entries(LAYOUTS))('%s', (_, [layout, files, pairs]) => {
  it('is found and read', async () => {
    expect(await pairsOf(files)).toEqual({ layout, pairs });
  });

  it('is found in any order, whatever the names, and in an archive', async () => {
    const renamed = Object.values(files)
      .toReversed()
      .map((content, i): [string, string | Uint8Array] => [`file${i}`, content]);
    const reversed = await pairsOf(Object.fromEntries(renamed));
    expect(reversed.layout).toBe(layout);
    expect(reversed.pairs.toSorted()).toEqual([...pairs].toSorted());
    const zipped = await pairsOf({ 'all.zip': zipOf(files) });
    expect(zipped).toEqual({ layout, pairs });
  });

  it('is read the same however its bytes arrive', async () => {
    for (const size of [1, 2, 7, 64]) {
      const chunkedFiles = Object.entries(files).map(([name, content]): GivenFile => {
        const whole = given(name, content);
        return { ...whole, open: () => inPieces(whole.open(), size) };
      });
      expect(await readAll(await openData(chunkedFiles), {})).toEqual({ layout, pairs });
    }
  });

  it('is read the same when it is named', async () => {
    expect(await pairsOf(files, { format: layout })).toEqual({ layout, pairs });
  });
});

describe('layouts', () => {
  it('give an error that says what was seen and how to go on', async () => {
    expect(await outcome(() => pairsOf({ 'qrels.txt': QRELS }))).toMatch(
      /texts of the documents are missing.*qrels\.txt: lines of a query id.*--docs/u,
    );
    expect(await outcome(() => pairsOf({ q: '2 qid:1 1:0.5 # D1\n' }))).toMatch(/texts of the documents are missing/u);
    const two = { 'qrels.txt': QRELS, 'docs.tsv': DOCS_TSV };
    expect(await outcome(() => pairsOf(two))).toMatch(/texts of the queries are missing.*--queries/u);
    expect(await outcome(() => pairsOf({ ...two, 'x.csv': 'a,b\n1,2\n' }))).toMatch(
      /x\.csv holds neither queries nor/u,
    );
    expect(await outcome(() => pairsOf({ 'case.csv': 'query,docid,rating\nq,D1,3\n' }))).toMatch(
      /texts of the documents/u,
    );
    expect(await outcome(() => pairsOf({ a: 'x,y\n1,2\n', b: 'x,y\n1,2\n', c: 'x,y\n1,2\n' }))).toMatch(
      /do not form a known layout.*a: columns x, y.*--format/u,
    );
    expect(await outcome(() => pairsOf({ a: 'x\n1\n' }, { format: 'bier' }))).toMatch(
      /^bad-config.*Did you mean beir/u,
    );
    expect(await outcome(() => pairsOf({ a: 'query,title\nq,t\n' }, { format: 'trec' }))).toMatch(
      /no judgments by ids/u,
    );
  });

  it('name rows whose query or document is unknown', async () => {
    const { pairs } = await pairsOf({ q: `${QRELS}3 0 D1 1\n1 0 D9 1\n`, topics: TOPICS, docs: TREC_DOCS });
    expect(pairs.slice(3)).toEqual([
      expect.stringMatching(/^Row 4, column "queryId": the query is unknown.*"3"/u),
      expect.stringMatching(/^Row 5, column "docId": the document is unknown.*"D9"/u),
    ]);
  });

  it('refuse files whose ids could be of queries and of documents', async () => {
    const same = { qrels: '1\t0\t2\t1\n2\t0\t1\t1\n', a: '1\tred kettle\n2\those\n', b: '1\tKettle\n2\tHose\n' };
    expect(await outcome(() => pairsOf(same))).toMatch(/can be queries or documents.*--queries or --docs/u);
    const [qrels, a, b] = [given('qrels', same.qrels), given('a', same.a), given('b', same.b)];
    const { pairs, documents } = await openData([qrels], { queries: a, docs: b });
    expect([pairs.name, documents?.name]).toEqual(['qrels', 'b']);
  });

  it('join queries of a table by --queries', async () => {
    const queries = given('q.csv', 'query_id,query\n1,red kettle\n');
    const read = await pairsOf({ 'p.csv': 'qid,title,grade\n1,Kettle,2\n' }, { queries });
    expect(read.pairs).toEqual(['red kettle | * | Kettle | 2']);
  });

  it('ask which question is the grade', async () => {
    const task = (names: readonly string[]): string =>
      JSON.stringify([
        {
          data: { query: 'q', title: 't' },
          annotations: [{ result: names.map((name, i) => ({ from_name: name, value: { rating: i } })) }],
        },
      ]);
    expect(await outcome(() => pairsOf({ t: task(['style', 'colour']) }))).toMatch(/several questions: style, colour/u);
    expect((await pairsOf({ t: task(['style', 'relevance']) })).pairs).toEqual(['q | * | t | 1']);
    const asked = await pairsOf({ t: task(['style', 'colour']) }, { columns: { grade: 'colour' } });
    expect(asked.pairs).toEqual(['q | * | t | 1']);
  });

  it('read a sheet', async () => {
    const head = textRow(['query', 'title', 'grade'], 1);
    const book = workbookOf({ sheets: { One: head + textRow(['a', 'b', '1']), Two: head + textRow(['c', 'd', '2']) } });
    expect((await pairsOf({ 'x.xlsx': book })).pairs).toEqual(['a | * | b | 1']);
    expect((await pairsOf({ 'x.xlsx': book }, { sheet: 'Two' })).pairs).toEqual(['c | * | d | 2']);
  });

  it('read several files of judgments one after the other', async () => {
    const [head = '', ...rows] = BEIR_QRELS.trim().split('\n');
    const split = { 'a.tsv': [head, rows[0], ''].join('\n'), 'b.tsv': [head, ...rows.slice(1), ''].join('\n') };
    const { pairs } = await pairsOf({ 'corpus.jsonl': CORPUS, 'queries.jsonl': QUERIES, ...split });
    expect(pairs).toEqual(JUDGED);
  });

  it('read files of judgments that name their columns in other ways', async () => {
    const qrels = {
      'a.tsv': 'query-id\tcorpus-id\tscore\n1\tD1\t2\n',
      'b.tsv': 'qid\tdoc_id\tgrade\n1\tD2\t0\n2\tD2\t1\n',
    };
    const texts = { 'corpus.jsonl': CORPUS, 'queries.jsonl': QUERIES };
    expect((await pairsOf({ ...texts, ...qrels })).pairs).toEqual(JUDGED);
    const run = { run: '1 Q0 D1 1 9.5 bm25\n', ...qrels };
    expect((await pairsOf({ ...texts, ...run })).pairs).toEqual(JUDGED.slice(0, 1));
  });

  it('number what they make of a row by the row, in every file, readable or not', async () => {
    const rows = async (files: Files): Promise<number[]> => {
      const opened = await openData(Object.entries(files).map(([name, content]) => given(name, content)));
      const found: number[] = [];
      for await (const batch of readRecords(opened.pairs.open(), { fileName: 'x' }))
        found.push(...batch.map(({ row }) => row));
      return found;
    };
    const triple = 'red kettle\ta kettle\ta garden hose\n';
    expect(await rows({ t: `${triple.repeat(250)}too short\n${triple}` })).toEqual([
      ...Array.from({ length: 250 }, (_, i) => [1000 * i + 1, 1000 * i + 2]).flat(),
      250_001,
      251_001,
      251_002,
    ]);
    const task = (answers: number): object => ({
      data: { query: 'q', title: 't' },
      annotations: Array.from({ length: answers }, () => ({ result: [{ from_name: 'r', value: { rating: 1 } }] })),
    });
    const [a, b] = [JSON.stringify([task(1), task(3)]), JSON.stringify([task(2), task(1)])];
    expect(await rows({ a, b })).toEqual([1, 1001, 1002, 1003, 2001, 2002, 3001]);
    const many = JSON.stringify([task(1001), task(1)]);
    expect((await pairsOf({ many })).pairs).toEqual([
      expect.stringMatching(/^Row 1: too many pairs come of it \(number 1 in the file\)/u),
      'q | * | t | 1',
    ]);
  });

  it('find the title of a document in its tags, whatever else is in them', async () => {
    const docs = [
      '<DOC><DOCNO>\n D1 \n</DOCNO><HL><p>Kettle,</p> red</HL><TITLE>No</TITLE></DOC>',
      '<DOC><H3>open<DOCNO>D2</DOCNO><TITLE>Garden hose</TITLE></DOC>',
    ].join('\n');
    const topics = '<top>\n<num>  Number:  1 \n<title>Topic:  red kettle\n</top><top><num>2<title>hose</top>';
    expect((await pairsOf({ qrels: QRELS, topics, docs })).pairs).toEqual(JUDGED);
  });

  it('have one shape for files that were made alike', async () => {
    const shape = (files: Files): Promise<string> =>
      shapeOfFiles(Object.entries(files).map(([name, content]) => given(name, content)));
    expect(await shape({ a: QRELS, b: DOCS_TSV })).toBe(await shape({ c: '9 0 X 1\n', d: `${DOCS_TSV}D3\tx\n` }));
    expect(await shape({ a: DOCS_TSV })).not.toBe(await shape({ a: 'docId\ttitle\tbrand\nD1\tx\ty\n' }));
  });

  it('do not depend on ids, order of rows or further columns', async () => {
    const id = fc.stringMatching(/^[A-Za-z][\w.-]{0,8}$/u);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 4, maxLength: 4 }),
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        fc.stringMatching(/^extra\w{0,5}$/u),
        async ([q1 = '', q2 = '', d1 = '', d2 = ''], order, extra) => {
          const rows = [`${q1}\t${d1}\t2`, `${q1}\t${d2}\t0`, `${q2}\t${d2}\t1`];
          const qrels = [`query-id\tcorpus-id\tscore\t${extra}`, ...order.map((i) => `${rows[i] ?? ''}\tx`), ''].join(
            '\n',
          );
          const line = (_id: string, title: string): string => JSON.stringify({ _id, title, text: 'x', [extra]: 1 });
          const { layout, pairs } = await pairsOf({
            q: [q1, q2].map((_id, i) => JSON.stringify({ _id, text: ['red kettle', 'hose'][i] })).join('\n'),
            c: [line(d1, 'Kettle, red'), line(d2, 'Garden hose')].join('\n'),
            j: qrels,
          });
          const renamed = JUDGED.map((judged) => judged.replace('| D1 |', `| ${d1} |`).replace('| D2 |', `| ${d2} |`));
          expect(layout).toBe('beir');
          expect(pairs).toEqual(order.map((i) => renamed[i]));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('never throw anything but an error that says what is wrong', async () => {
    const some = Object.values(LAYOUTS).flatMap(([, files]) => Object.values(files).map((content) => String(content)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...some), fc.nat(400)), { minLength: 1, maxLength: 4 }),
        async (files) => {
          const cut = Object.fromEntries(files.map(([content, length], i) => [`f${i}`, content.slice(0, length)]));
          expect(await outcome(() => pairsOf(cut))).toMatch(/^(?:\{|bad-file)/u);
        },
      ),
      { numRuns: 300 },
    );
  });
});
