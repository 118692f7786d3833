import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { e10Report, e10Results, E10ResultsSchema } from '../../../src/studies/e10-evidence.ts';
import { reportMarkdown } from '../../../src/studies/report.ts';
import type { AnsweredCase } from '../../../src/train/faithfulness.ts';

const MADE = { device: 'none', commit: 'c', config: { split: 'test', pairs: 20, queries: 10 } };
/** Two cases for each of ten queries: the first should move to 0, the second should stay. */
function cases(nowOfMoving: (query: number) => number, nowOfStaying: (query: number) => number): AnsweredCase[] {
  return Array.from({ length: 10 }, (_, query) => [
    { queryId: `q${query}`, before: 3, after: 0, now: nowOfMoving(query) },
    { queryId: `q${query}`, before: 2, after: 2, now: nowOfStaying(query) },
  ]).flat();
}
const answers = (cited: AnsweredCase[], control: AnsweredCase[]) => {
  return {
    name: 'm',
    folder: 'f',
    decoding: 'free' as const,
    answers: { completions: 30, usable: 20, cited, control },
  };
};

describe('e10Results', () => {
  const faithful = cases((query) => (query < 8 ? 0 : 1), () => 2); // prettier-ignore
  const unmoved = cases(() => 3, () => 2); // prettier-ignore

  it('reports shares with intervals over queries, and that evidence matters where labels depend on it alone', () => {
    const results = e10Results([answers(faithful, unmoved)], MADE);
    expect(v.parse(E10ResultsSchema, results)).toEqual(results);
    const [arm] = results.arms;
    expect(arm?.cited).toMatchObject({ pairs: 20, shouldMove: 10, shouldStay: 10 });
    expect([arm?.cited.movedAsRuled.value, arm?.cited.moved.value, arm?.cited.stayed.value]).toEqual([0.8, 1, 1]);
    expect(arm?.cited.asRuled.value).toBe(0.9); // 8 + 10 of 20
    expect(arm?.cited.movedAsRuled.low).toBeLessThan(0.8);
    expect(arm?.control.moved.value).toBe(0);
    // Half of all labels move without the cited words, none without other words, in every query.
    expect(results.findings).toMatchObject([{ arm: 'm', mean: 0.5, low: 0.5, high: 0.5, outcome: 'supported' }]);
    expect(reportMarkdown(e10Report(results))).toMatch(
      /\| m \| cited words \| 20 \| 10 \| 0\.800 \(0\.\d+ to 1\.000\) \|/u,
    );
  });

  it('reports where it does not matter, or the opposite holds', () => {
    const outcomes = [answers(unmoved, unmoved), answers(unmoved, faithful)].map(
      (asked) => e10Results([asked], MADE).findings[0]?.outcome,
    );
    expect(outcomes).toEqual(['undecided', 'refuted']);
  });

  it('makes no claim about a model without answers', () => {
    const { arms, findings } = e10Results([answers([], [])], MADE);
    expect(arms[0]?.cited.movedAsRuled.value).toBeNull();
    expect(findings).toEqual([]);
  });
});
