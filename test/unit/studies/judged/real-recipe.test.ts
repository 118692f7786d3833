/**
 * Recipes on real judgments: folds without common queries, measures compared with hand-computed ones, consistent
 * reports.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselinesOf } from '../../../../src/studies/judged/real-baselines.ts';
import { foldsOf, REAL_RECIPES } from '../../../../src/studies/judged/real-data.ts';
import {
  compareSystems,
  measureSystem,
  REAL_MEASURES,
  type Prediction,
} from '../../../../src/relevance/metrics/compared-systems.ts';
import { realReport, systemsPlot } from '../../../../src/studies/judged/real-report.ts';
import { type FoldResult, realResults } from '../../../../src/studies/judged/real-results.ts';
import { plotSvg } from '../../../../src/studies/plot.ts';
import { reportHtml, reportMarkdown } from '../../../../src/studies/report.ts';
import { makeOwnRules } from '../../../../src/runs/file-data.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { rulesOf } from '../../../../src/relevance/rules/own-rules.ts';
import { type JudgedPair, makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { induceLexicon } from '../../../../src/relevance/rules/typed-document.ts';
import { dataSetOf, pairsTsv } from '../../runs/own-pairs.ts';

const [recipe] = REAL_RECIPES;
if (recipe === undefined) throw new Error('no recipe');

const predicted = (queryId: string, docId: string, gold: number, label: number, score = label): Prediction => {
  return { queryId, docId, gold, label, score };
};

describe('folds', () => {
  it('test every drawn query once, and never learn from it', async () => {
    const dataSet = await dataSetOf(pairsTsv(23));
    const folds = await foldsOf({ ...recipe, folds: 4, run: 4, queries: 20 }, dataSet);
    const tested = folds.flatMap(({ test }) => [...new Set(test.map(({ query }) => query))]);
    expect(tested).toHaveLength(20);
    expect(new Set(tested).size).toBe(20);
    for (const { learn, test } of folds) {
      const held = new Set(test.map(({ query }) => query));
      expect(learn.pairs.filter(({ query }) => held.has(query))).toEqual([]);
      expect(learn.pairs.length + test.length).toBe(80);
    }
    expect(new Set(folds.map(({ learn }) => learn.sha256)).size).toBe(4);
  });
});

describe('measureSystem', () => {
  it('pools queries', () => {
    // Query a: one pair in the right order, one tie; query b: one pair in the wrong order.
    const measures = measureSystem(
      [
        predicted('a', '1', 2, 2, 0.9),
        predicted('a', '2', 1, 0, 0.5),
        predicted('a', '3', 1, 1, 0.9),
        predicted('b', '4', 0, 1, 0.7),
        predicted('b', '5', 1, 1, 0.2),
      ],
      3,
    );
    expect(measures.accuracy.value).toBeCloseTo(3 / 5, 12);
    expect(measures.pairAccuracy.value).toBeCloseTo(1.5 / 3, 12);
    // F1 of label 0: 0 of 1 and 1; label 1: 2 right, 3 gold, 3 predicted; label 2: all.
    expect(measures.macroF1.value).toBeCloseTo((0 + 4 / 6 + 1) / 3, 12);
  });
});

describe('compareSystems', () => {
  const anyPredictions = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(2), fc.nat(2), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 8,
      maxLength: 20,
    })
    .map((rows) => rows.map(([query, gold, label, score], i) => predicted(`q${query}`, `d${i}`, gold, label, score)));

  it('finds no difference from itself', () => {
    const measured = new Set<string>();
    fc.assert(
      fc.property(anyPredictions, (predictions) => {
        const same = compareSystems(predictions, predictions, 3);
        for (const name of REAL_MEASURES) {
          const { value, low = 0, high = 0 } = same[name];
          if (value !== null) measured.add(name);
          expect([value ?? 0, low, high]).toEqual([0, 0, 0]);
        }
      }),
      { numRuns: 10 },
    );
    expect(measured).toEqual(new Set(REAL_MEASURES));
  });

  it('is the difference of the measures, and pairs queries: common errors add no uncertainty', () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({ query: `q${i}`, isHard: i % 2 === 0 }));
    const better = rows.map(({ query, isHard }) => predicted(query, 'd', 1, isHard ? 0 : 1));
    const other = rows.map(({ query }, i) => predicted(query, 'd', 1, rows[i]?.isHard === true || i === 1 ? 0 : 1));
    const { accuracy } = compareSystems(better, other, 2);
    expect(accuracy.value).toBeCloseTo(1 / 12, 12);
    expect(accuracy.low).toBeGreaterThanOrEqual(0);
    const alone = measureSystem(better, 2).accuracy;
    const width = ({ low = 0, high = 0 }: { low?: number; high?: number }): number => high - low;
    expect(width(accuracy)).toBeLessThan(width(alone));
  });
});

describe('baselinesOf', () => {
  const pairs = ['red kettle', 'blue kettle', 'old lamp'].map((title, i): JudgedPair => {
    return {
      query: 'red kettle',
      queryId: 'red kettle',
      document: makeDocument({ title, docId: title }),
      label: [3, 0, 0][i] ?? 0,
    };
  });

  it('are computed from training labels, not from test labels', () => {
    const documents = pairs.map(({ document }) => document);
    const rules = rulesOf(makeOwnRules(startInstruction(4), induceLexicon(documents), pairs), currentFolding());
    const flipped = pairs.map((pair) => ({ ...pair, label: 3 - pair.label }));
    const [first, second] = [pairs, flipped].map((test) => baselinesOf(pairs, test, documents, rules));
    const said = (predictions: readonly Prediction[] | undefined) =>
      predictions?.map(({ label, score }) => [label, score]);
    for (const name of ['majority', 'random', 'bm25', 'instruction'] as const) {
      expect(said(first?.[name]), name).toEqual(said(second?.[name]));
    }
    expect(first?.majority.map(({ label }) => label)).toEqual([0, 0, 0]);
    expect(first?.bm25.map(({ label }) => label)).toEqual([3, 0, 0]);
    expect(first?.instruction.map(({ label }) => label)).toEqual([3, 1, 0]);
  });
});

describe('the report', () => {
  const fold = (index: number): FoldResult => {
    const rows = Array.from({ length: 6 }, (_, i) => predicted(`q${index}-${i % 3}`, `d${i}`, i % 2, i % 2));
    const wrong = rows.map((row) => ({ ...row, label: 1 - row.gold, score: -row.score }));
    const reasoning = {
      completions: 2,
      validTraces: 1,
      verifiedSteps: null,
      labelTraceAgreement: 0.5,
      distinctRules: 3,
    };
    return {
      fold: index,
      prepared: {
        rules: 5,
        traces: { pairs: 10, traced: 7, contradicting: 3, uncovered: 0 },
        baselines: { BM25: wrong, majority: wrong },
        people: [],
      },
      models: { 'A <b> model': { predictions: rows, reasoning } },
    };
  };
  const results = realResults(recipe, [fold(0), fold(1)], {
    device: 'cpu',
    commit: 'abc',
    inFile: 20_000,
  });

  it('states what is above BM25 and what is preliminary, with the same facts in Markdown and HTML', () => {
    expect(results.verdict).toMatch(
      /^Preliminary, 2 of 5 folds\. A <b> model: above BM25 in accuracy, macro-F1, QWK, pair accuracy/u,
    );
    const [markdown, html] = [reportMarkdown(realReport(results)), reportHtml(realReport(results))];
    expect(markdown).toMatch(/2 of 5 folds by query \(preliminary\)/u);
    expect(markdown).toContain('10000 of the 20000 queries in the file were drawn');
    expect(html).toContain('A &lt;b&gt; model');
    expect(html).not.toContain('<b>');
    const cells = markdown.split('\n').filter((line) => line.startsWith('|') && !line.includes('---')).length;
    expect(html.match(/<tr>/gu)).toHaveLength(cells);
    expect(html).toContain(plotSvg(systemsPlot(results.title, results.systems)));
  });

  it('refutes nothing and claims nothing where systems are the same', () => {
    const { prepared, models } = fold(0);
    const same = { ...prepared, baselines: { BM25: models['A <b> model']?.predictions ?? [] } };
    const { verdict } = realResults(recipe, [{ fold: 0, prepared: same, models }], {
      device: 'cpu',
      commit: 'abc',
      inFile: 97,
    });
    expect(verdict).toMatch(/above BM25 in nothing; below it in nothing/u);
  });
});
