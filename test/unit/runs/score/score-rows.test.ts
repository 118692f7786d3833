/**
 * The input of a model for a row depends on the pair and on the other rows of its query, and on nothing else in the
 * file.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowsToScore, surveyRows, unreadGrades } from '../../../../src/runs/score/score-rows.ts';
import { FileLists } from '../../../../src/runs/score/file-lists.ts';
import { type GradedRow, type PairRow, readPairs } from '../../../../src/data/files/pairs-file.ts';
import { tableLines } from '../../../../src/data/files/table-writer.ts';
import { isRowError } from '../../../../src/data/files/records.ts';
import { DEFAULT_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { CURRENT_FOLDING, textFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { Bm25 } from '../../../../src/relevance/prompt/bm25.ts';
import { listed } from '../../../../src/relevance/prompt/listed.ts';
import { DEFAULT_PROMPT_CONFIG, promptContent } from '../../../../src/relevance/prompt/prompt.ts';
import { whole } from '../../../setup/whole.ts';

interface Row {
  readonly query: string;
  readonly docId: string;
  readonly title: string;
  readonly grade: string;
}

const PROMPT = { ...DEFAULT_PROMPT_CONFIG, standing: true, folding: CURRENT_FOLDING };
const QUERIES = ['red kettle', 'usb cable', '茶壶'];
const WORDS = ['red', 'kettle', 'kettles', 'usb', 'cable', 'hose', '红色', '茶壶'];

const title = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
const anyRows = fc
  .array(fc.record({ query: fc.constantFrom(...QUERIES), title, grade: fc.constantFrom('', '0', '1', '3', 'n/a') }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((rows) => rows.map((row, i): Row => ({ ...row, docId: `d${i}` })));

async function* bytesOf(rows: readonly Row[]): AsyncGenerator<Uint8Array> {
  const columns = ['query', 'docId', 'title', 'grade'] as const;
  const values = rows.map((row) => columns.map((column) => row[column]));
  const lines = [...tableLines([...columns], values, { format: 'csv' })];
  yield await Promise.resolve(new TextEncoder().encode(lines.join('')));
}

const read = (rows: readonly Row[]) => readPairs(bytesOf(rows), { fileName: 'rows.csv', scale: DEFAULT_SCALE });

/** The rows as they are scored, with a first pass over them. */
async function* scored(rows: readonly Row[], limit?: number, isListed = true): AsyncGenerator<PairRow> {
  const lists = isListed ? new FileLists(PROMPT, undefined) : undefined;
  await surveyRows('rows.csv', read(rows), () => expect.fail('all rows can be read'), lists);
  yield* rowsToScore(read(rows), lists, undefined, limit);
}

/** The model's input for each row, in the order of the rows. */
async function told(rows: readonly Row[], limit?: number): Promise<object[]> {
  const contents: object[] = [];
  for await (const { pair } of scored(rows, limit)) contents.push(promptContent(pair, PROMPT));
  return contents;
}

describe('the input of a model for a row', () => {
  it('does not change with the ids, renamed one to one', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        expect(await told(rows.map((row) => ({ ...row, docId: `${row.docId}/${row.query}` })))).toEqual(
          await told(rows),
        );
      }),
    );
  });

  it('does not change if ids are unique only within a query', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        const seen = new Map<string, number>();
        const local = rows.map((row) => {
          const docId = (seen.get(row.query) ?? 0) + 1;
          seen.set(row.query, docId);
          return { ...row, docId: `${docId}` };
        });
        expect(await told(local)).toEqual(await told(rows));
      }),
    );
  });

  it('does not change with grades, readable or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        expect(await told(rows.map((row) => ({ ...row, grade: '' })))).toEqual(await told(rows));
      }),
    );
  });

  it('does not change with how often rows come', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.array(fc.nat(11), { maxLength: 6 }), async (rows, places) => {
        const again = places.flatMap((place) => rows[place % rows.length] ?? []);
        expect((await told([...rows, ...again])).slice(0, rows.length)).toEqual(await told(rows));
      }),
    );
  });

  it('does not change with the order of rows', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        expect((await told(rows.toReversed())).toReversed()).toEqual(await told(rows));
      }),
    );
  });

  it('does not change with a limit', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 1, max: 12 }), async (rows, limit) => {
        expect(await told(rows, limit)).toEqual((await told(rows)).slice(0, limit));
      }),
    );
  });

  it('keeps what the file says of a row beside it, whether prompts show standings or not', async () => {
    const rows = [' red kettle', 'red kettle\t'].map((query, i): Row => {
      return { query, docId: `d${i}`, title: 'kettle', grade: `${i}` };
    });
    for (const isListed of [true, false]) {
      const kept: unknown[] = [];
      for await (const { pair: _, ...rest } of scored(rows, undefined, isListed)) kept.push(rest);
      expect(kept).toMatchObject([
        { row: 2, ownQuery: ' red kettle', grade: '0' },
        { row: 3, ownQuery: 'red kettle\t', grade: '1' },
      ]);
    }
  });

  it('is the same as with the whole file at hand', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        const pairs: (PairRow & GradedRow)['pair'][] = [];
        for await (const item of read(rows)) if (!isRowError(item)) pairs.push(item.pair);
        const index = Bm25.of(pairs.map(({ document }) => document), textFolding(CURRENT_FOLDING)); // prettier-ignore
        const placed: unknown[] = [];
        for await (const { pair } of scored(rows)) placed.push(pair);
        expect(placed).toEqual(listed(pairs, index, undefined));
      }),
    );
  });

  it('comes as soon as its list is complete, so that a file is never held whole', async () => {
    const rows = Array.from({ length: 50 }, (_, i): Row => {
      return { query: `kettle ${Math.floor(i / 5)}`, docId: `d${i}`, title: `kettle ${i}`, grade: '' };
    });
    const lists = new FileLists(PROMPT, undefined);
    await surveyRows('rows.csv', read(rows), () => expect.fail('all rows can be read'), lists);
    let readSoFar = 0;
    const counted = async function* (): ReturnType<typeof readPairs> {
      for await (const row of read(rows)) {
        readSoFar += 1;
        yield row;
      }
    };
    let count = 0;
    for await (const _ of rowsToScore(counted(), lists, undefined)) {
      count += 1;
      expect(readSoFar).toBe(Math.ceil(count / 5) * 5);
    }
    expect(count).toBe(rows.length);
  });

  it('is given to every row once, also of a file that has changed since its first pass', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, anyRows, async (before, after) => {
        const lists = new FileLists(PROMPT, undefined);
        await surveyRows('rows.csv', read(before), () => expect.fail('all rows can be read'), lists);
        const given: number[] = [];
        for await (const { row, pair } of rowsToScore(read(after), lists, undefined)) {
          given.push(row);
          expect(pair.standing).toBeDefined();
        }
        expect(given).toEqual(after.map((_, i) => i + 2));
      }),
    );
  });

  whole('handles a list of one query with as many documents as a shop has', async () => {
    const rows = Array.from({ length: 130_000 }, (_, i): Row => {
      return { query: 'red kettle', docId: `d${i}`, title: i % 3 === 0 ? `red kettle ${i}` : `hose ${i}`, grade: '' };
    });
    let count = 0;
    for await (const { pair } of scored(rows)) {
      if (count < 3) expect(pair.standing?.rank).toBe(count === 0 ? 1 : 43_335);
      count += 1;
    }
    expect(count).toBe(rows.length);
  });
});

describe('a survey of a file', () => {
  it('counts pairs and finds the grades that have no label', async () => {
    const grades = ['0', '3', 'n/a', 'n/a', ''];
    const rows = grades.map((grade, i): Row => ({ query: 'q', docId: `${i}`, title: 't', grade }));
    const survey = await surveyRows('rows.csv', read(rows), () => expect.fail('all rows can be read'));
    expect(survey.pairs).toBe(5);
    expect(unreadGrades(survey, DEFAULT_SCALE)).toMatchObject([{ rows: 2, error: { row: 4, column: 'grade' } }]);
  });

  it('rejects a file without pairs', async () => {
    await expect(surveyRows('rows.csv', read([]), () => undefined)).rejects.toMatchObject({ code: 'bad-file' });
  });
});
