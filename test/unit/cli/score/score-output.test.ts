/** The file of scores, wherever its writing was interrupted. */
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partOf } from '../../../../src/cli/outputs.ts';
import { ScoreOutput } from '../../../../src/cli/score/score-output.ts';
import type { PairRow } from '../../../../src/data/files/pairs-file.ts';
import { readPairs } from '../../../../src/data/files/pairs-file.ts';
import { isRowError } from '../../../../src/data/files/records.ts';
import type { ScoredItem } from '../../../../src/infer/score-pairs.ts';
import { DEFAULT_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-score-output-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MODEL = { scale: DEFAULT_SCALE };
const WINDOW = 4;
const OPTIONS = {
  inputs: [],
  identity: { pairs: 'p', model: 'm' },
  window: WINDOW,
  trainedOn: (query: string) => query.startsWith('q1'),
};

const ROWS: PairRow[] = Array.from({ length: 23 }, (_, i) => ({
  row: i + 2,
  ownQuery: ` q${i % 5}\n`,
  pair: { query: `q${i % 5}`, queryId: `q${i % 5}`, document: makeDocument({ title: `=t${i}`, docId: `-d${i}` }) },
}));

const isScorable = ({ row }: PairRow): boolean => row % 9 !== 5;

const SCORABLE = ROWS.filter(isScorable);

/** Some scores, different for each row; some rows cannot be scored. */
async function* scoresOf(rows: AsyncIterable<PairRow>): AsyncGenerator<ScoredItem<PairRow>> {
  for await (const item of rows) {
    if (!isScorable(item)) continue;
    const p = item.row / 31;
    const score = { label: item.row % 4, probabilities: [p, 1 - p, 0, 0], score: 3 * p, labelMass: 1 - p / 7 };
    yield { item, prompt: new Int32Array(), score, cutFields: item.row % 3 === 0 ? ['title'] : [] };
  }
}

async function* inTurn(rows: readonly PairRow[]): AsyncGenerator<PairRow> {
  for (const row of rows) yield await Promise.resolve(row);
}

/** Writes `stopAfter` rows at most, in batches of two; returns all scores that were yielded. */
async function write(path: string, stopAfter: number, resume: boolean): Promise<unknown[]> {
  const output = await ScoreOutput.open(path, MODEL, { ...OPTIONS, resume });
  const seen: unknown[] = [];
  let batch: ScoredItem<PairRow>[] = [];
  let batches = 0;
  for await (const scored of output.scored(inTurn(ROWS), scoresOf)) {
    batch.push(scored);
    seen.push({ row: scored.item.row, score: scored.score, cutFields: scored.cutFields });
    if (batch.length < 2) continue;
    await output.write(batch, undefined);
    batch = [];
    batches += 1;
    if (batches === stopAfter) {
      await output.stop();
      return seen;
    }
  }
  await output.write(batch, undefined);
  await output.finish();
  return seen;
}

describe('a file of scores', () => {
  it.each(['csv', 'tsv', 'jsonl'])('is the same %s however often its writing was interrupted', async (format) => {
    const whole = join(folder, `whole.${format}`);
    const all = await write(whole, Infinity, false);
    const expected = await readFile(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('part', 'journal', 'neither'),
        async (stopAfter, share, damaged) => {
          const path = join(folder, `cut.${format}`);
          await rm(path, { force: true });
          await write(path, stopAfter, false);
          const part = partOf(path);
          const cut = { part, journal: `${part}.journal`, neither: undefined }[damaged];
          if (cut !== undefined) {
            const { length } = await readFile(cut);
            // The first line of the journal is written before anything else.
            const least = damaged === 'journal' ? (await readFile(cut, 'latin1')).indexOf('\n') + 1 : 0;
            await truncate(cut, Math.floor(least + share * (length - least)));
          }
          expect(await write(path, Infinity, true)).toEqual(all);
          expect(await readFile(path)).toEqual(expected);
          expect(existsSync(`${part}.journal`)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps complete windows of rows', async () => {
    const path = join(folder, 'window.csv');
    await write(path, 5, false);
    const output = await ScoreOutput.open(path, MODEL, { ...OPTIONS, resume: true });
    expect(output.keptRows).toBe(8);
    await output.stop();
  });

  it('is read back with unchanged ids and queries, and guarded titles', async () => {
    for (const format of ['csv', 'tsv']) {
      const path = join(folder, `ids.${format}`);
      await write(path, Infinity, false);
      const read: PairRow[] = [];
      for await (const row of readPairs(createReadStream(path), { fileName: path, scale: DEFAULT_SCALE })) {
        if (!isRowError(row)) read.push(row);
      }
      expect(read.map(({ pair }) => pair.document.docId)).toEqual(SCORABLE.map(({ pair }) => pair.document.docId));
      expect(read.map(({ ownQuery }) => ownQuery)).toEqual(SCORABLE.map(({ ownQuery }) => ownQuery));
      expect(read.map(({ pair }) => pair.queryId)).toEqual(SCORABLE.map(({ pair }) => pair.queryId));
      expect(read.map(({ pair }) => pair.document.title)).toEqual(
        SCORABLE.map(({ pair }) => `'${pair.document.title}`),
      );
    }
  });
});
