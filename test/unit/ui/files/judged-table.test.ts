/** What the page knows of a judged file, against the plain way to compute the same. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileTable } from '../../../../src/protocol/files.ts';
import { rankByScore } from '../../../../src/relevance/metrics/metrics-ranking.ts';
import { argMaxLabel, expectedLabel } from '../../../../src/relevance/pair/labels.ts';
import { JudgedTable } from '../../../../src/ui/files/judged-table.ts';
import { NO_FILTER, shownPairs } from '../../../../src/ui/files/shown-pairs.ts';

interface Row {
  readonly query: number;
  readonly gold: number;
  /** Null for a pair without a score. */
  readonly weights: readonly number[] | null;
}

const weights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 });
const anyRows = fc.array(
  fc.record({
    query: fc.integer({ min: 0, max: 3 }),
    gold: fc.integer({ min: -1, max: 2 }),
    weights: fc.option(weights, { freq: 3 }),
  }),
  { minLength: 1, maxLength: 30 },
);
const anyCorrections = fc.array(fc.record({ place: fc.nat(29), label: fc.option(fc.integer({ min: 0, max: 2 })) }), {
  maxLength: 8,
});

function distributionOf(of: readonly number[]): number[] {
  const sum = of.reduce((total, weight) => total + weight, 0);
  return of.map((weight) => weight / sum);
}

function tableOf(rows: readonly Row[]): FileTable {
  const scored = rows.flatMap((row, place) => (row.weights === null ? [] : [{ place, weights: row.weights }]));
  return {
    scoring: {
      choice: { kind: 'bundled', id: 'general' },
      modelName: 'general',
      modelHash: '',
      backend: 'wasm',
      labelNames: ['bad', 'fair', 'good'],
      rubric: ['', '', ''],
      gradeNames: ['bad', 'fair', 'good'],
      gradeTexts: [],
      mapping: [0, 1, 2],
      folding: 2,
      givesReasons: false,
      trainedOn: null,
      warnings: [],
      pairs: rows.length,
      state: 'done',
    },
    rows: Int32Array.from(rows, (_, place) => place + 2),
    queryOf: Int32Array.from(rows, ({ query }) => query),
    queries: [0, 1, 2, 3].map((query) => ({ id: `q${query}`, text: `query ${query}` })),
    titles: rows.map((_, place) => `title ${place}`),
    docIds: rows.map((_, place) => `d${place}`),
    golds: Int8Array.from(rows, ({ gold }) => gold),
    scores: [
      {
        places: Int32Array.from(scored, ({ place }) => place),
        probabilities: Float64Array.from(scored.flatMap((each) => distributionOf(each.weights))),
        cut: new Uint8Array(scored.length),
        unfit: [],
      },
    ],
    corrections: [],
  };
}

describe('a judged table', () => {
  it('ranks the pairs of a query as the metrics do, those without a score last', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const table = new JudgedTable(tableOf(rows));
        for (const query of [0, 1, 2, 3]) {
          const places = rows.flatMap((row, place) => (row.query === query ? [place] : []));
          const scored = places.flatMap((place) => {
            const of = rows[place]?.weights;
            if (of === null || of === undefined) return [];
            return [{ place, docId: `d${place}`, score: expectedLabel(distributionOf(of)) }];
          });
          const ranked = rankByScore(scored).map(({ place }) => place);
          const rest = places.filter((place) => !ranked.includes(place));
          expect(table.rankedOf(query)).toEqual([...ranked, ...rest]);
          expect(ranked.map((place) => table.rankOf(place))).toEqual(ranked.map((_, i) => i + 1));
        }
      }),
    );
  });

  it('goes by the last correction of a pair, and forgets it when it is taken back', () => {
    fc.assert(
      fc.property(anyRows, anyCorrections, (rows, all) => {
        const table = new JudgedTable(tableOf(rows));
        const corrections = all.filter(({ place }) => place < rows.length);
        const gradesAfter = (count: number): number[] =>
          rows.map(({ gold }, place) => {
            const last = corrections.slice(0, count).findLast((each) => each.place === place);
            return last === undefined ? gold : (last.label ?? -1);
          });
        const shown = (): number[] => rows.map((_, place) => table.gradeOf(place));
        for (const [i, { place, label }] of corrections.entries()) {
          table.correct({ row: place + 2, label, author: 'judge', at: i });
          expect(shown()).toEqual(gradesAfter(i + 1));
        }
        for (let count = corrections.length - 1; count >= 0; count--) {
          expect(table.undoCorrection()).toBe(corrections[count]?.place);
          expect(shown()).toEqual(gradesAfter(count));
        }
        expect(table.undoCorrection()).toBeUndefined();
      }),
    );
  });

  it('shows what other tabs have said, and takes back only what was said here', () => {
    const all = fc.array(fc.record({ place: fc.nat(29), label: fc.nat(2), isHere: fc.boolean() }), { maxLength: 8 });
    fc.assert(
      fc.property(anyRows, all, (rows, given) => {
        const table = new JudgedTable(tableOf(rows));
        const said = given
          .filter(({ place }) => place < rows.length)
          .map(({ place, label, isHere }, at) => ({ row: place + 2, label, author: isHere ? 'here' : 'there', at }));
        for (const correction of said.filter(({ author }) => author === 'here')) table.correct(correction);
        expect(table.takeStored(said)).toBe(said.some(({ author }) => author === 'there'));
        expect(table.takeStored(said)).toBe(false);
        const alone = (corrections: typeof said): number[] => {
          const fresh = new JudgedTable({ ...tableOf(rows), corrections });
          return rows.map((_, place) => fresh.gradeOf(place));
        };
        const shown = (): number[] => rows.map((_, place) => table.gradeOf(place));
        let left = said;
        for (const last of said.toReversed()) {
          expect(shown()).toEqual(alone(left));
          if (last.author !== 'here') continue;
          expect(table.lastOwn).toEqual(last);
          expect(table.undoCorrection()).toBe(last.row - 2);
          left = left.filter((one) => one !== last);
        }
        expect(table.undoCorrection()).toBeUndefined();
        expect(table.corrections).toEqual(said.filter(({ author }) => author === 'there'));
        expect(rows.map((_, place) => table.summaryOf(table.queryOf(place)))).toEqual(
          rows.map((row) => new JudgedTable({ ...tableOf(rows), corrections: left }).summaryOf(row.query)),
        );
      }),
    );
  });

  it('shows as many pairs for a cell of the confusion table as it says', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const table = new JudgedTable(tableOf(rows));
        const queries = table.queriesBy('disagreement');
        for (const [grade, row] of table.confusion().entries()) {
          for (const [label, count] of row.entries()) {
            const places = shownPairs(table, { ...NO_FILTER, cell: { grade, label } }, queries);
            expect(places).toHaveLength(count);
            for (const place of places) {
              expect(rows[place]?.gold).toBe(grade);
              expect(argMaxLabel(distributionOf(rows[place]?.weights ?? []))).toBe(label);
            }
          }
        }
        const all = shownPairs(table, NO_FILTER, queries);
        expect(all.toSorted((a, b) => a - b)).toEqual(rows.map((_, place) => place));
      }),
    );
  });

  it('lists queries with the most to look at first', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const table = new JudgedTable(tableOf(rows));
        const counts = table.queriesBy('disagreement').map((query) => table.summaryOf(query).disagreements);
        expect(counts).toEqual(counts.toSorted((a, b) => b - a));
        const gains = table.queriesBy('ndcg').map((query) => table.summaryOf(query).ndcg ?? Infinity);
        expect(gains).toEqual(gains.toSorted((a, b) => (a === b ? 0 : a - b)));
        const doubts = table.mostDoubtful(5).map((place) => table.doubtOf(place));
        expect(doubts).toEqual(doubts.toSorted((a, b) => b - a));
      }),
    );
  });

  it('shows the pairs that are less sure than a confidence, and says which grades are other than those of the file', () => {
    fc.assert(
      fc.property(anyRows, anyCorrections, fc.double({ min: 0, max: 1, noNaN: true }), (rows, all, below) => {
        const table = new JudgedTable(tableOf(rows));
        const shown = shownPairs(table, { ...NO_FILTER, below }, table.queriesBy('file'));
        const sureOf = ({ weights: of }: Row): number => (of === null ? 1 : Math.max(...distributionOf(of)));
        const unsure = rows.flatMap((row, place) => (row.weights !== null && sureOf(row) < below ? [place] : []));
        expect(shown.toSorted((a, b) => a - b)).toEqual(unsure);
        const last = new Map<number, number>();
        for (const { place, label } of all.filter((one) => one.place < rows.length)) {
          table.correct({ row: place + 2, label, author: 'judge', at: 0 });
          last.set(place, label ?? -1);
        }
        const corrected = [...last].filter(([place, label]) => label !== rows[place]?.gold).map(([place]) => place);
        expect([...last.keys()].filter((place) => table.isCorrected(place))).toEqual(corrected);
        expect(table.countJudgments()).toEqual({
          corrected: corrected.length,
          confirmed: last.size - corrected.length,
        });
      }),
    );
  });

  it('counts labels on the scale of the grades, as the measures do', () => {
    const plain = tableOf([{ query: 0, gold: 0, weights: [2, 2, 3] }]);
    const scoring = { ...plain.scoring, gradeNames: ['no', 'yes'], mapping: [0, 0, 1] };
    const table = new JudgedTable({ ...plain, scoring });
    expect([table.labels[0], table.labelAsGrade(0)]).toEqual([2, 0]);
    expect(table.confidenceOf(0)).toBeCloseTo(4 / 7, 10);
  });

  it('finds words in title, document id and query', () => {
    const rows = [0, 1, 2].map((query): Row => ({ query, gold: -1, weights: [1, 2, 3] }));
    const table = new JudgedTable(tableOf(rows));
    const find = (text: string): number[] => shownPairs(table, { ...NO_FILTER, text }, table.queriesBy('file'));
    expect(find('TITLE query')).toEqual([0, 1, 2]);
    expect(find('d2')).toEqual([2]);
    expect(find('"query" nowhere')).toEqual([]);
  });
});
