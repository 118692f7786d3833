import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { runE9Split } from '../../../../src/studies/judged/e9-piar.ts';
import {
  type E9Data,
  e9Report,
  e9Results,
  E9ResultsSchema,
  E9SplitSchema,
  findingsFor,
} from '../../../../src/studies/judged/e9-results.ts';
import { reportMarkdown } from '../../../../src/studies/report.ts';
import { splitForPiar } from '../../../../src/runs/piar-split.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';

const world = makeRuleWorld({ trainQueries: 90 });
const DATA: E9Data = {
  name: 'small',
  scaleSize: 4,
  pairs: [...world.pairs('train')],
  annotations: (_queryId, docId) => (docId.length % 2 === 0 ? [3, 2, 3] : undefined),
};
const SETTINGS = { queries: 60, rounds: 3 };

async function resultsOf(seeds: readonly number[]) {
  const splits = await Promise.all(seeds.map((seed) => runE9Split(DATA, seed, SETTINGS)));
  for (const split of splits) expect(v.parse(E9SplitSchema, JSON.parse(JSON.stringify(split)))).toEqual(split);
  return e9Results([{ data: DATA, splits }], SETTINGS, { device: 'test', commit: 'test' });
}

describe('splitForPiar', () => {
  it('separates the queries of the parts, and learns no word from dev or test documents', () => {
    const { train, dev, test, lexicon } = splitForPiar(DATA.pairs, 1);
    const queries = [train, dev, test].map((part) => new Set(part.map(({ query }) => query)));
    const all = new Set(DATA.pairs.map(({ query }) => query)).size;
    expect(queries.map(({ size }) => Math.round((10 * size) / all))).toEqual([6, 2, 2]);
    expect(queries.reduce((sum, { size }) => sum + size, 0)).toBe(all);
    expect(new Set(queries.flatMap((part) => [...part])).size).toBe(all);
    const brands = new Set(train.map(({ document }) => document.brand).filter((brand) => brand !== ''));
    expect(lexicon.brands.size).toBe(brands.size);
  });
});

describe('runE9Split', () => {
  it('gives the arms, findings and schema of a results file, numbers only, reproducibly', async () => {
    const results = await resultsOf([1, 2]);
    expect(v.parse(E9ResultsSchema, JSON.parse(JSON.stringify(results)))).toEqual(results);
    expect(results.arms.map(({ name }) => name.replace('small: ', ''))).toEqual([
      'first instruction', 'last instruction', 'most frequent label', 'BM25, thresholds fitted on train',
      'one annotator against another',
    ]); // prettier-ignore
    for (const arm of results.arms) expect(arm.seeds.map(({ seed }) => seed)).toEqual([1, 2]);
    expect(results.findings.every(({ outcome }) => outcome === 'preliminary')).toBe(true);
    const report = reportMarkdown(e9Report(results));
    expect(report).toMatch(/\| small \| test accuracy, last round above first \| preliminary \|/u);
    for (const { query } of DATA.pairs) expect(JSON.stringify(results) + report).not.toContain(query);
    const [, last] = results.arms;
    expect(last?.seeds[0]?.curve[0]?.round).toBe(0);
    expect(last?.seeds[0]?.metrics['queries']).toBe(12);
    // Two of three annotators always give 3, so one of three comparisons agrees.
    expect(results.arms.at(-1)?.seeds[0]?.metrics['accuracy']).toBeCloseTo(1 / 3, 4);
    expect(await resultsOf([1, 2])).toEqual(results);
  });

  it('stops on request', async () => {
    await expect(runE9Split(DATA, 1, SETTINGS, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('findingsFor', () => {
  const arms = (first: readonly number[], last: readonly number[]) =>
    [first, last].map((values, arm) => ({
      name: `d: ${arm === 0 ? 'first' : 'last'} instruction`,
      seeds: values.map((accuracy, seed) => ({ seed, metrics: { accuracy }, curve: [] })),
    }));
  const outcome = (first: readonly number[], last: readonly number[]): string | undefined =>
    findingsFor('d', arms(first, last))[0]?.outcome;

  it('claims only what five seeds and their interval support', () => {
    expect(outcome([0.1, 0.1, 0.1, 0.1, 0.1], [0.3, 0.31, 0.29, 0.3, 0.3])).toBe('supported');
    expect(outcome([0.3, 0.3, 0.3, 0.3, 0.3], [0.1, 0.11, 0.09, 0.1, 0.1])).toBe('refuted');
    expect(outcome([0.3, 0.3, 0.3, 0.3, 0.3], [0.1, 0.6, 0.3, 0.5, 0])).toBe('undecided');
    expect(outcome([0.1, 0.1, 0.1], [0.3, 0.3, 0.31])).toBe('preliminary');
  });
});
