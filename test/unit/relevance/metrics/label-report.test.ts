import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeQueries,
  mapLabel,
  reportLabels,
  reportRanking,
} from '../../../../src/relevance/metrics/label-report.ts';
import { pairAccuracy, type ScoredDocument } from '../../../../src/relevance/metrics/metrics-ranking.ts';

/** As many pairs as `golds`, all answered with one distribution. */
const answered = (probabilities: readonly number[], golds: readonly number[]) =>
  golds.map((label, i) => ({ queryId: `q${i}`, docId: 'd', label, probabilities }));
const TO_TWO = [0, 1, 2, 3].map((label) => mapLabel(label, 4, 2));

describe('labels where grades are coarser than answers', () => {
  it('have the probability of all labels that count as the same', () => {
    const nineOfTen = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0];
    const ece = (golds: readonly number[]) =>
      reportLabels(answered([0.1, 0, 0.3, 0.6], golds), 2, TO_TWO).expectedCalibrationError.value;
    expect(ece(nineOfTen)).toBeCloseTo(0, 12);
    expect(ece([1, 1, 1, 1])).toBeCloseTo(0.1, 12);
  });

  it('are the likeliest after adding up', () => {
    const { accuracy } = reportLabels(answered([0.36, 0, 0.34, 0.3], [1, 1]), 2, TO_TWO);
    expect(accuracy.value).toBe(1);
  });

  it('are as without a mapping where every label counts as itself', () => {
    const weights = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
    const pairs = fc.array(fc.tuple(weights, fc.nat(3)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(pairs, (drawn) => {
        const scored = drawn.map(([masses, label], i) => {
          const total = masses.reduce((sum, mass) => sum + mass, 0);
          return { queryId: `q${i % 3}`, docId: `d${i}`, label, probabilities: masses.map((mass) => mass / total) };
        });
        expect(reportLabels(scored, 4, [0, 1, 2, 3])).toEqual(reportLabels(scored, 4));
      }),
    );
  });
});

describe('queries', () => {
  const pair = (queryId: string, docId: string, label: number) => ({
    queryId,
    docId,
    label,
    probabilities: [0.5, 0.5],
  });

  it('are counted where a metric of order leaves them out', () => {
    const {
      queries,
      ndcg10,
      pairAccuracy: ordered,
    } = reportRanking([
      pair('both', 'a', 1),
      pair('both', 'b', 0),
      pair('none relevant', 'a', 0),
      pair('none relevant', 'b', 0),
      pair('alone', 'a', 1),
    ]);
    expect(queries).toEqual({ all: 3, withoutRelevant: 1, withoutPreference: 2, ofOneDocument: 1 });
    expect([ndcg10.value, ordered.value]).not.toContain(null);
    expect(describeQueries(queries).join(' ')).toMatch(/NDCG leaves out 1 of 3 queries/u);
    expect(describeQueries({ all: 3, withoutRelevant: 0, withoutPreference: 0, ofOneDocument: 0 })).toEqual([]);
  });
});

describe('pair accuracy', () => {
  const documents = fc.array(
    fc.record({ docId: fc.uuid(), score: fc.integer({ min: -3, max: 3 }), label: fc.nat(3) }),
    { maxLength: 20 },
  );

  it('is what comparing every two documents gives', () => {
    fc.assert(
      fc.property(documents, (drawn) => {
        let [right, all] = [0, 0];
        for (const better of drawn) {
          for (const worse of drawn) {
            if (better.label <= worse.label) continue;
            all += 1;
            right += better.score > worse.score ? 1 : better.score === worse.score ? 0.5 : 0;
          }
        }
        const { value, measured } = pairAccuracy([drawn]);
        expect(measured).toBe(all);
        expect(value).toBe(all === 0 ? null : right / all);
      }),
    );
  });

  it('takes a list as long as a shop has documents', () => {
    const many = Array.from({ length: 150_000 }, (_, i): ScoredDocument => {
      return { docId: `${i}`, score: i % 1000, label: i % 1000 >= 500 ? 1 : 0 };
    });
    expect(pairAccuracy([many]).value).toBe(1);
  });
});
