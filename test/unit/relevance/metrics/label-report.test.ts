import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { bootstrapInterval } from '../../../../src/relevance/metrics/bootstrap.ts';
import {
  describeQueries,
  mapLabel,
  reportKappa,
  reportLabels,
  reportRanking,
} from '../../../../src/relevance/metrics/label-report.ts';
import { quadraticWeightedKappa } from '../../../../src/relevance/metrics/metrics.ts';
import { pairAccuracy, type ScoredDocument } from '../../../../src/relevance/metrics/metrics-ranking.ts';
import { expectClose } from '../../../reference/expect-close.ts';

/** One pair per gold label, all with the same predicted distribution. */
const answered = (probabilities: readonly number[], golds: readonly number[]) =>
  golds.map((label, i) => ({ queryId: `q${i}`, docId: 'd', label, probabilities }));
const TO_TWO = [0, 1, 2, 3].map((label) => mapLabel(label, 4, 2));

describe('labels on a coarser gold scale', () => {
  it('sum the probabilities of labels that map to the same grade', () => {
    const nineOfTen = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0];
    const ece = (golds: readonly number[]) =>
      reportLabels(answered([0.1, 0, 0.3, 0.6], golds), 2, TO_TWO).expectedCalibrationError.value;
    expect(ece(nineOfTen)).toBeCloseTo(0, 12);
    expect(ece([1, 1, 1, 1])).toBeCloseTo(0.1, 12);
  });

  it('take the arg max after summing', () => {
    const { accuracy } = reportLabels(answered([0.36, 0, 0.34, 0.3], [1, 1]), 2, TO_TWO);
    expect(accuracy.value).toBe(1);
  });

  it('are unchanged under the identity mapping', () => {
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

describe('a report of labels', () => {
  /** Probability 0.9 on one label and 0.1 on the next. */
  const sure = (queryId: string, label: number, answer: number) => ({
    queryId,
    docId: `d${label}${answer}`,
    label,
    probabilities: [0, 1, 2].map((k) => (k === answer ? 0.9 : k === (answer + 1) % 3 ? 0.1 : 0)),
  });
  // Query a: both right; query b: one of three; query c: none.
  const pairs = [sure('a', 0, 0), sure('a', 1, 1), sure('b', 2, 2), sure('b', 2, 1), sure('b', 2, 0), sure('c', 0, 1)];

  it('equals hand-computed metrics, and resamples whole queries for the interval', () => {
    const shares = [[{ right: 2, all: 2 }], [{ right: 1, all: 3 }], [{ right: 0, all: 1 }]];
    const { low, high } = bootstrapInterval(
      shares,
      (sample) => {
        const flat = sample.flat();
        return flat.reduce((sum, { right }) => sum + right, 0) / flat.reduce((sum, { all }) => sum + all, 0);
      },
      new Rng('bootstrap'),
    );
    const entropy = -(0.9 * Math.log(0.9) + 0.1 * Math.log(0.1));
    expect(reportLabels(pairs, 3)).toEqual({
      accuracy: { value: 3 / 6, low, high },
      majorityAccuracy: { value: 3 / 6 },
      // F1 of 0: 1 of 2 cited and of 2; of 1: 1 of 3 cited, of 1; of 2: 1 of 1 cited, of 3.
      macroF1: { value: expect.closeTo((1 / 2 + 1 / 2 + 1 / 2) / 3, 12) as number },
      // Squared distances 0 0 0 1 4 1 over those of all gold labels with all answers, (0 0 1 2 2 2) and (0 0 1 1 1 2).
      quadraticWeightedKappa: { value: expect.closeTo(1 - 6 / ((2 * 7 + 1 * 3 + 3 * 11) / 6), 12) as number },
      expectedCalibrationError: { value: expect.closeTo(0.9 - 0.5, 12) as number },
      labelEntropyNats: { value: expect.closeTo(entropy, 12) as number },
    });
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
  });

  it('has no interval for one query, and no ranking metric without a preference', () => {
    expect(reportLabels(pairs.slice(0, 2), 3).accuracy).toEqual({ value: 1 });
    expect(reportRanking([sure('a', 0, 0), sure('b', 0, 1)])).toMatchObject({
      pairAccuracy: { value: null },
      ndcg10: { value: null },
    });
    expect(Object.keys(reportLabels(pairs.slice(1, 3), 3).accuracy)).toEqual(['value', 'low', 'high']);
  });

  it('gives kappa over all pairs, with an interval by whole queries', () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      pairs.map((pair) => ({ ...pair, queryId: `${pair.queryId}${i}` })),
    );
    const scored = many.flat();
    const { value, low = NaN, high = NaN } = reportKappa(scored, 3);
    expect(value).toBeCloseTo(reportLabels(scored, 3).quadraticWeightedKappa.value ?? NaN, 12);
    // Fewer queries say less: the interval narrows with the square root of their number.
    const { low: few = NaN, high: more = NaN } = reportKappa(many.slice(0, 3).flat(), 3);
    expect(low).toBeLessThan(value ?? NaN);
    expect(high).toBeGreaterThan(value ?? NaN);
    expect((more - few) / (high - low)).toBeGreaterThan(1.3);
    // A whole query is drawn or not, so that a list in which all queries are alike has no spread.
    const alike = Array.from({ length: 5 }, (_, i) => pairs.map((pair) => ({ ...pair, queryId: `q${i}` }))).flat();
    const same = reportKappa(alike, 3);
    expectClose([same.low ?? NaN, same.high ?? NaN], [same.value ?? NaN, same.value ?? NaN], { absolute: 1e-12 });
  });

  it('gives kappa of mapped labels, and none where all are the same', () => {
    const golds = [0, 0, 1, 1, 1];
    const answers = [[0.4, 0.3, 0.3, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0.3, 0.3, 0.2, 0.2], [0.1, 0.2, 0.3, 0.4]]; // prettier-ignore
    const mapped = golds.map((label, i) => ({
      queryId: 'one',
      docId: `d${i}`,
      label,
      probabilities: answers[i] ?? [],
    }));
    expect(reportKappa(mapped, 2, TO_TWO)).toEqual({ value: quadraticWeightedKappa(golds, [0, 1, 1, 0, 1], 2) });
    const [first, second] = [sure('a', 0, 0), sure('b', 0, 0)];
    expect(reportKappa([first, second], 3)).toEqual({ value: null });
    // Two queries are enough for an interval.
    expect(Object.keys(reportKappa([sure('a', 0, 0), sure('b', 1, 2)], 3))).toEqual(['value', 'low', 'high']);
  });

  it('measures the order of scores, with equal weight per document pair or per query', () => {
    const { pairAccuracy: ordered, ndcg10 } = reportRanking([...pairs, sure('a', 2, 0)]);
    // In a: 1 above 0 is right; 2 is below 1 and tied with 0. In b all labels are 2; c has one document.
    expect(ordered.value).toBeCloseTo((1 + 0 + 0.5) / 3, 12);
    expect(ndcg10.value).toBeGreaterThan(0.5);
    expect(ndcg10.value).toBeLessThan(1);
  });
});

describe('queries', () => {
  const pair = (queryId: string, docId: string, label: number) => ({
    queryId,
    docId,
    label,
    probabilities: [0.5, 0.5],
  });

  it('are counted if a ranking metric leaves them out', () => {
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
    expect(describeQueries(queries)).toEqual([
      'NDCG leaves out 1 of 3 queries, which have no relevant document.',
      'Pair accuracy leaves out 2 of 3 queries, where all labels are the same.',
      '1 of 3 queries has one document alone, which any order has in its place.',
    ]);
    expect(describeQueries({ all: 3, withoutRelevant: 0, withoutPreference: 0, ofOneDocument: 0 })).toEqual([]);
  });
});

describe('pair accuracy', () => {
  const documents = fc.array(
    fc.record({ docId: fc.uuid(), score: fc.integer({ min: -3, max: 3 }), label: fc.nat(3) }),
    { maxLength: 20 },
  );

  it('equals the comparison of all document pairs', () => {
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

  it('handles a very long list', () => {
    const many = Array.from({ length: 150_000 }, (_, i): ScoredDocument => {
      return { docId: `${i}`, score: i % 1000, label: i % 1000 >= 500 ? 1 : 0 };
    });
    expect(pairAccuracy([many]).value).toBe(1);
  });
});
