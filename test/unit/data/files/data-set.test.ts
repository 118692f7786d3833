/**
 * Data sets: equal contents have equal names, the stored form round-trips, and unusable files are reported with the
 * place.
 */
import { describe, expect, it } from 'vitest';
import { decodeDataSet, MAX_DATA_PAIRS, makeDataSet } from '../../../../src/data/files/data-set.ts';
import { likelyScale, readDataSet } from '../../../../src/data/files/data-set-reader.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { dataSetOf, pairsTsv, textFile } from '../../runs/own-pairs.ts';

describe('a data set', () => {
  it('round-trips through its stored form, and is named by its contents', async () => {
    const dataSet = await dataSetOf(pairsTsv(5));
    expect(dataSet.pairs).toHaveLength(20);
    expect(await decodeDataSet('pairs.tsv', dataSet.sha256, dataSet.bytes)).toEqual(dataSet);
    expect((await dataSetOf(pairsTsv(5), 'renamed.tsv')).sha256).toBe(dataSet.sha256);
    expect((await dataSetOf(pairsTsv(6))).sha256).not.toBe(dataSet.sha256);
  });

  it('stores a document shared by many queries once', async () => {
    const dataSet = await dataSetOf('query,title,grade\na,kettle,1\nb,kettle,0\nc,lamp,1\n', 'p.csv');
    expect(dataSet.documents.map(({ title }) => title)).toEqual(['kettle', 'lamp']);
    expect(dataSet.pairs[1]?.document).toBe(dataSet.pairs[0]?.document);
    expect(dataSet.pairs.map(({ row }) => row)).toEqual([2, 3, 4]);
  });

  it('is rejected if a byte has changed or a line is missing', async () => {
    const { sha256, bytes } = await dataSetOf(pairsTsv(3));
    const changed = bytes.slice();
    changed[changed.length - 3] = 0x39;
    await expect(decodeDataSet('p', sha256, changed)).rejects.toMatchObject({ code: 'bad-checkpoint' });
    const { sha256: shortSha, bytes: short } = await dataSetOf(pairsTsv(2));
    expect(shortSha).not.toBe(sha256);
    await expect(decodeDataSet('p', sha256, short)).rejects.toThrow(/Choose the file again/u);
  });

  it('is rejected beyond the memory limit', async () => {
    const pair = { row: 1, query: 'q', queryId: 'q', document: makeDocument({ title: 't' }), grade: '1' };
    const many = Array.from({ length: MAX_DATA_PAIRS + 1 }, () => pair);
    await expect(makeDataSet('big.tsv', many)).rejects.toThrow(/big\.tsv.*at most 400,000/u);
  });
});

describe('reading files', () => {
  it('leaves out rows that cannot be read, and reports them', async () => {
    const text = 'query\ttitle\tgrade\nred mug\tmug\t1\n\tlamp\t0\nblue rug\trug\t\n';
    const { dataSet, errors, errorCount } = await readDataSet([textFile('p.tsv', text)]);
    expect(dataSet.pairs.map(({ query }) => query)).toEqual(['red mug']);
    expect(errorCount).toBe(2);
    expect(errors.map(({ row, column }) => [row, column])).toEqual([
      [3, 'query'],
      [4, 'grade'],
    ]);
  });

  it('joins pairs and documents of two files, in any order', async () => {
    const pairs = textFile(
      'pairs.jsonl',
      '{"query":"red mug","docId":"d1","grade":2}\n{"query":"rug","docId":"?","grade":0}\n',
    );
    const documents = textFile('docs.jsonl', '{"docId":"d1","title":"mug","brand":"zor"}\n');
    for (const files of [
      [pairs, documents],
      [documents, pairs],
    ]) {
      const { dataSet, errors } = await readDataSet(files);
      expect(dataSet.name).toBe('pairs.jsonl');
      expect(dataSet.pairs[0]?.document).toMatchObject({ docId: 'd1', brand: 'zor' });
      expect(errors).toMatchObject([{ row: 2, column: 'docId' }]);
    }
  });

  it.each([
    ['nothing', '', /empty/u],
    ['a header only', 'query\ttitle\tgrade\n', /no usable row/u],
    ['no grades', 'query\ttitle\nred mug\tmug\n', /no column is recognised as the grade/u],
    ['no text', 'query\ttitle\tgrade\nred mug\t\t1\n', /no usable row.*Row 2, column "title"/u],
    ['a zip archive', 'PK\u0003\u0004', /zip archive/u],
  ])('rejects and names a file with %s', async (_, text, message) => {
    const reading = readDataSet([textFile('mine.tsv', text)]);
    await expect(reading).rejects.toMatchObject({ code: 'bad-file' });
    await expect(reading).rejects.toThrow(/mine\.tsv/u);
    await expect(reading).rejects.toThrow(message);
  });

  it('rejects two files if both or neither have queries', async () => {
    const pairs = textFile('a.tsv', pairsTsv(2));
    const documents = textFile('d.tsv', 'docId\ttitle\n1\tmug\n');
    await expect(readDataSet([pairs, pairs])).rejects.toThrow(/one in both/u);
    await expect(readDataSet([documents, documents])).rejects.toThrow(/one in neither/u);
    await expect(readDataSet([pairs, pairs, pairs])).rejects.toThrow(/3 files/u);
  });

  it.each([
    [['0', '1'], 2],
    [['0', '1', '2', '2.0'], 3],
    [['E', 'S', 'C', 'I'], 4],
    [['relevant', 'irrelevant'], 2],
    [['0', '5'], 6],
    [['good', 'bad'], 4],
  ])('suggests for grades %j a scale of %i', (grades, size) => {
    expect(likelyScale(grades)).toBe(size);
  });
});
