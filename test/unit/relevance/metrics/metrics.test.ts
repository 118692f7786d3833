import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32, Rng } from '../../../../src/common/rng.ts';
import { bootstrapInterval } from '../../../../src/relevance/metrics/bootstrap.ts';
import {
  accuracy,
  confusionMatrix,
  entropyNats,
  expectedCalibrationError,
  macroF1,
  quadraticWeightedKappa,
} from '../../../../src/relevance/metrics/metrics.ts';
import {
  groupByQuery,
  ndcg,
  pairAccuracy,
  rankByScore,
  type ScoredDocument,
} from '../../../../src/relevance/metrics/metrics-ranking.ts';
import {
  distinctCompletionShare,
  distinctRulesCited,
  invalidFormatRate,
  labelTraceAgreement,
  ruleCitations,
} from '../../../../src/relevance/metrics/metrics-reasoning.ts';
import { rankedPlaces } from '../../../../src/relevance/metrics/ranked-places.ts';
import { type ParsedTrace, parseTrace, printTrace, type Trace } from '../../../../src/relevance/trace/trace.ts';

const repeat = (counts: readonly (readonly [value: number, times: number])[]): number[] =>
  counts.flatMap(([value, times]) => Array<number>(times).fill(value));

describe('label metrics', () => {
  // Examples from the scikit-learn documentation: accuracy_score, confusion_matrix, f1_score; its test of
  // cohen_kappa_score.
  it('agree with published examples', () => {
    expect(accuracy([0, 1, 2, 3], [0, 2, 1, 3])).toBe(0.5);
    expect(accuracy([0, 1, 2, 3], [0, 2, 2, 3])).toBe(0.75);
    expect(confusionMatrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2], 3)).toEqual([
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]);
    expect(macroF1([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], 3)).toBeCloseTo(0.266667, 6);
    const first = repeat([[0, 46], [1, 44], [2, 10]]); // prettier-ignore
    const second = repeat([[0, 50], [1, 40], [2, 10]]); // prettier-ignore
    expect(quadraticWeightedKappa(first, second, 3)).toBeCloseTo(0.9541, 4);
  });

  it('leave labels that do not occur out of macro-F1', () => {
    expect(macroF1([0, 1], [0, 1], 4)).toBe(1);
    expect(macroF1([0, 1], [0, 2], 4)).toBeCloseTo(1 / 3, 12);
  });

  it('give kappa 0 for constant answers, -1 for reversed ones, null where undefined', () => {
    expect(quadraticWeightedKappa([0, 1, 2, 3], [2, 2, 2, 2], 4)).toBeCloseTo(0, 12);
    expect(quadraticWeightedKappa([0, 3], [3, 0], 4)).toBeCloseTo(-1, 12);
    expect(quadraticWeightedKappa([1, 1], [1, 1], 4)).toBeNull();
  });

  it('reject invalid inputs', () => {
    expect(() => accuracy([], [])).toThrow(/Got 0 and 0 entries/);
    expect(() => accuracy([1], [1, 2])).toThrow(/Got 1 and 2 entries/);
    expect(() => macroF1([0, 4], [0, 1], 4)).toThrow(
      /item 1 is off the scale\. Expected whole labels from 0 to 3\. Got gold 4/,
    );
    expect(() => confusionMatrix([0], [0.5], 2)).toThrow(/predicted 0\.5/);
  });
});

describe('expectedCalibrationError', () => {
  it('equals hand-computed values', () => {
    // Bin (0.8, 1]: mean confidence 0.9, accuracy 0.5. Bin (0.4, 0.6]: confidence 0.6 on the edge, accuracy 1.
    const error = expectedCalibrationError([0.95, 0.85, 0.6, 0.6], [true, false, true, true], 5);
    expect(error).toBeCloseTo(0.5 * 0.4 + 0.5 * 0.4, 12);
    // 0.6 falls into the bin below the edge, together with 0.5: |(0 - 0.6) + (1 - 0.5)| / 2.
    expect(expectedCalibrationError([0.6, 0.5], [false, true], 5)).toBeCloseTo(0.05, 12);
    // 0 belongs to the lowest bin.
    expect(expectedCalibrationError([0, 0.05], [true, false])).toBeCloseTo((1 - 0.05) / 2, 12);
    expect(expectedCalibrationError([1, 1], [true, true])).toBe(0);
    expect(expectedCalibrationError([0, 1], [true, false])).toBe(1);
  });

  it('rejects values that are not probabilities', () => {
    expect(() => expectedCalibrationError([Number.NaN], [true])).toThrow(/Expected 0 to 1\. Got NaN/);
    expect(() => expectedCalibrationError([-0.01], [true])).toThrow(/expectedCalibrationError: not a probability/);
    expect(() => expectedCalibrationError([1.01], [true])).toThrow(/Got 1\.01/);
    expect(() => expectedCalibrationError([], [])).toThrow();
  });
});

describe('entropyNats', () => {
  it('is ln n for a uniform distribution and 0 for certainty', () => {
    expect(entropyNats([0.25, 0.25, 0.25, 0.25])).toBeCloseTo(Math.log(4), 12);
    expect(entropyNats([0, 1, 0])).toBe(0);
    expect(entropyNats([0.5, 0.25, 0.25])).toBeCloseTo(1.5 * Math.LN2, 12);
  });

  it('rejects values that are not a distribution', () => {
    expect(() => entropyNats([0.5, 0.4])).toThrow(/Got a sum of 0\.9/);
    expect(() => entropyNats([1.5, -0.5])).toThrow(/not a probability/);
    expect(() => entropyNats([])).toThrow();
  });
});

describe('ranking metrics', () => {
  const scored = (labels: readonly number[], scores: readonly number[], docIds?: readonly string[]): ScoredDocument[] =>
    labels.map((label, i) => ({ docId: docIds?.[i] ?? `d${i}`, label, score: scores[i] ?? 0 }));

  it('NDCG equals the Wikipedia example (grades 3 2 3 0 1 2) with exponential gain', () => {
    const query = scored([3, 2, 3, 0, 1, 2], [6, 5, 4, 3, 2, 1]);
    // DCG 7 + 3/log2(3) + 7/2 + 0 + 1/log2(6) + 3/log2(7) over the ideal order 3 3 2 2 1 0.
    const dcg = 7 + 3 / Math.log2(3) + 3.5 + 1 / Math.log2(6) + 3 / Math.log2(7);
    const ideal = 7 + 7 / Math.log2(3) + 1.5 + 3 / Math.log2(5) + 1 / Math.log2(6);
    expect(dcg / ideal).toBeCloseTo(0.94881, 5);
    expect(ndcg([query])).toEqual({ value: expect.closeTo(dcg / ideal, 12) as number, measured: 1, skippedQueries: 0 });
    expect(ndcg([query], 1).value).toBe(1);
    expect(ndcg([query], 2).value).toBeCloseTo((7 + 3 / Math.log2(3)) / (7 + 7 / Math.log2(3)), 12);
  });

  it('NDCG skips and counts queries without a positive grade', () => {
    const nothing = scored([0, 0], [1, 2]);
    expect(ndcg([nothing, scored([1, 0], [2, 1])])).toEqual({ value: 1, measured: 1, skippedQueries: 1 });
    const [best, worse] = [scored([1, 0], [2, 1]), scored([1, 0], [1, 2])];
    expect(ndcg([best, worse, nothing]).value).toBeCloseTo((1 + 1 / Math.log2(3)) / 2, 12);
    expect(ndcg([nothing])).toEqual({ value: null, measured: 0, skippedQueries: 1 });
  });

  it('pair accuracy counts ties as half and ignores equal labels', () => {
    // Pairs: (3,1) right, (3,1') tie, 1 and 1' are no pair.
    expect(pairAccuracy([scored([3, 1, 1], [2, 1, 2])])).toEqual({ value: 0.75, measured: 2, skippedQueries: 0 });
    expect(pairAccuracy([scored([1, 0], [0, 1]), scored([2, 2], [0, 1])])).toEqual({
      value: 0,
      measured: 1,
      skippedQueries: 1,
    });
    expect(pairAccuracy([scored([1], [1])]).value).toBeNull();
  });

  it('breaks ties by hash of the document id, independent of the input order', () => {
    const docIds = ['a', 'b', 'c', 'd', 'e'];
    const expected = [...docIds].sort((a, b) => hash32(a) - hash32(b));
    const documents = scored([3, 2, 1, 0, 0], [1, 1, 1, 1, 1], docIds);
    fc.assert(
      fc.property(fc.shuffledSubarray(documents, { minLength: 5 }), (shuffled) => {
        expect(rankByScore(shuffled).map(({ docId }) => docId)).toEqual(expected);
        expect(ndcg([shuffled]).value).toBe(ndcg([documents]).value);
        expect(pairAccuracy([shuffled]).value).toBe(0.5);
      }),
    );
  });

  it('breaks ties between ids of equal hash by the ids', () => {
    const ids = idsOfOneHash();
    for (const given of [ids, ids.toReversed()]) {
      expect(rankByScore(scored([0, 0], [1, 1], given)).map(({ docId }) => docId)).toEqual(ids.toSorted());
    }
  });

  it('keeps the given order of documents that have one id', () => {
    const twice = scored([0, 1, 2], [1, 1, 1], ['d', 'd', 'd']);
    expect(rankByScore(twice)).toEqual(twice);
    expect(rankByScore(twice.toReversed())).toEqual(twice.toReversed());
  });

  it('has the same order in arrays, where pairs without a score are left out', () => {
    // Two ids of one hash, a third, and one that comes twice.
    const [one = '', two = ''] = idsOfOneHash();
    const anyDocument = fc.record({
      docId: fc.constantFrom(one, two, 'other'),
      score: fc.constantFrom(-1, 0, 0.5, NaN, Infinity, -Infinity),
      isAsked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyDocument, { maxLength: 9 }), (documents) => {
        const scores = Float64Array.from(documents, ({ score }) => score);
        const docIds = documents.map(({ docId }) => docId);
        const asked = [...documents.keys()].filter((place) => documents[place]?.isAsked === true);
        const ranked = rankByScore(
          asked.flatMap((place) => {
            const { docId, score } = documents[place] ?? { docId: '', score: NaN };
            return Number.isNaN(score) ? [] : [{ docId, score, place }];
          }),
        );
        expect(rankedPlaces(asked, { scores, docIds })).toEqual(ranked.map(({ place }) => place));
      }),
      { numRuns: 200 },
    );
  });

  it('are 1 for the ideal order and ignore the scale of scores', () => {
    const labels = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(labels, fc.integer({ min: 1, max: 12 }), (grades, k) => {
        const query = scored(grades, grades);
        const scaled = scored(grades, grades.map((grade) => grade * 7 - 100)); // prettier-ignore
        // Without a relevant document, or without two grades, there is no order to measure.
        const hasRelevant = Math.max(...grades) > 0;
        if (hasRelevant) expect(ndcg([query], k).value).toBeCloseTo(1, 12);
        else expect(ndcg([query], k).value).toBeNull();
        expect(pairAccuracy([query]).value).toBe(new Set(grades).size > 1 ? 1 : null);
        expect(ndcg([scaled], k)).toEqual(ndcg([query], k));
      }),
    );
  });

  it('reject NaN scores, empty input and a cut-off of 0', () => {
    expect(() => rankByScore(scored([1], [Number.NaN]))).toThrow(/document "d0" is not a number/);
    expect(() => ndcg([])).toThrow(/at least one query/);
    expect(() => pairAccuracy([])).toThrow(/at least one query/);
    expect(() => ndcg([scored([1], [1])], 0)).toThrow(/a whole k above 0/);
  });

  it('groups items by query in order of appearance', () => {
    const items = ['q2', 'q1', 'q2'].map((queryId, i) => ({ queryId, i }));
    expect(groupByQuery(items).map((group) => group.map(({ i }) => i))).toEqual([[0, 2], [1]]);
  });
});

describe('reasoning metrics', () => {
  const citing = (label: number, ...rules: number[]): Trace => ({
    scaleSize: 4,
    label,
    steps: rules.map((rule) => ({ rule, criterion: 'type', evidence: [], verdict: 'match' })),
    restated: label,
  });
  const parsed = (label: number, ...rules: number[]): ParsedTrace => parseTrace(printTrace(citing(label, ...rules)));
  const BROKEN = parseTrace(printTrace(citing(1, 20, 21)).slice(0, -1));
  const isTail = (rule: number): boolean => rule >= 10;

  it('equal hand-computed citations for head and tail', () => {
    const cases = [
      { gold: citing(1, 0, 10), parsed: parsed(1, 0, 1) },
      { gold: citing(2, 0, 11), parsed: parsed(2, 11, 11) },
      { gold: citing(2, 12), parsed: BROKEN },
    ];
    expect(ruleCitations(cases, isTail)).toEqual({
      all: { recall: 2 / 5, precision: 2 / 3, goldCount: 5, citedCount: 3 },
      head: { recall: 1 / 2, precision: 1 / 2, goldCount: 2, citedCount: 2 },
      tail: { recall: 1 / 3, precision: 1, goldCount: 3, citedCount: 1 },
    });
    expect(ruleCitations([{ gold: citing(1, 0), parsed: BROKEN }], isTail).tail).toEqual({
      recall: null,
      precision: null,
      goldCount: 0,
      citedCount: 0,
    });
  });

  it('count distinct rules, broken completions and distinct completions', () => {
    expect(distinctRulesCited([parsed(1, 0, 10), parsed(1, 0, 0), BROKEN])).toBe(2);
    expect(distinctRulesCited([])).toBe(0);
    expect(invalidFormatRate([parsed(1), BROKEN, parsed(1), parsed(2)])).toBe(0.25);
    expect(distinctCompletionShare(['a', 'b', 'a', 'a'])).toBe(0.5);
  });

  it('compare label and trace of completions that parse', () => {
    const lastRule = (trace: Trace): number | undefined => trace.steps.at(-1)?.rule;
    expect(labelTraceAgreement([parsed(1, 1), parsed(1, 2), parsed(1), BROKEN], lastRule)).toBeCloseTo(1 / 3, 12);
    expect(labelTraceAgreement([BROKEN], lastRule)).toBeNull();
  });

  it('reject empty input', () => {
    expect(() => ruleCitations([], isTail)).toThrow(/nothing to measure/);
    expect(() => invalidFormatRate([])).toThrow(/nothing to measure/);
    expect(() => labelTraceAgreement([], () => 1)).toThrow(/nothing to measure/);
    expect(() => distinctCompletionShare([])).toThrow(/nothing to measure/);
  });
});

describe('bootstrapInterval', () => {
  const mean = (sample: readonly (readonly number[])[]): number => {
    const values = sample.flat();
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };

  it('repeats exactly for equal seeds', () => {
    const queries = [[0, 1], [1], [1, 1, 0], [0]];
    expect(bootstrapInterval(queries, mean, new Rng(7))).toEqual(bootstrapInterval(queries, mean, new Rng(7)));
    expect(bootstrapInterval(queries, mean, new Rng(7))).not.toEqual(bootstrapInterval(queries, mean, new Rng(8)));
  });

  it('is close to the normal interval for a mean of many', () => {
    const rng = new Rng('data');
    const queries = Array.from({ length: 400 }, () => [rng.normal()]);
    const centre = mean(queries);
    const { low, high } = bootstrapInterval(queries, mean, new Rng(1), { resamples: 2000 });
    // Standard error 1/20, so +-0.098; the tolerance is three standard errors of a bootstrap quantile.
    expect(low).toBeCloseTo(centre - 0.098, 1);
    expect(high).toBeCloseTo(centre + 0.098, 1);
    expect(high - low).toBeGreaterThan(0.17);
    expect(high - low).toBeLessThan(0.23);
  });

  it('draws whole queries: perfectly dependent items do not narrow it', () => {
    const single = Array.from({ length: 40 }, (_, i) => [i % 2]);
    const copied = single.map(([value = 0]) => Array<number>(50).fill(value));
    expect(bootstrapInterval(copied, mean, new Rng(3))).toEqual(bootstrapInterval(single, mean, new Rng(3)));
  });

  it('skips resamples without a value and counts the others', () => {
    const interval = bootstrapInterval([[1], [0]], (sample) => (sample.flat().includes(1) ? 1 : null), new Rng(1));
    expect(interval).toMatchObject({ low: 1, high: 1, level: 0.95 });
    expect(interval.measured).toBeGreaterThan(650);
    expect(interval.measured).toBeLessThan(850);
  });

  it('is between quantiles of the values, linear between neighbours', () => {
    let calls = 0;
    const counted = (): number => calls++;
    const interval = bootstrapInterval([[1]], counted, new Rng(1), { level: 0.5, resamples: 12 });
    expect(interval).toEqual({ low: 2.75, high: 8.25, level: 0.5, measured: 12 });
    expect(bootstrapInterval([[1]], () => 3, new Rng(1), { resamples: 1 })).toMatchObject({ low: 3, high: 3 });
  });

  it('rejects invalid options and metrics without values', () => {
    expect(() => bootstrapInterval([[1]], mean, new Rng(1), { level: 0 })).toThrow(/level 0/);
    expect(() => bootstrapInterval([[1]], mean, new Rng(1), { resamples: 0 })).toThrow(/0 resamples/);
    const oddly = (sample: readonly (readonly number[])[]): number => (sample.flat().includes(1) ? 1 : Number.NaN);
    expect(() => bootstrapInterval([[1], [0]], oddly, new Rng(1))).toThrow(/Got NaN/);
    expect(() => bootstrapInterval([], mean, new Rng(1))).toThrow(/Got 0 queries/);
    expect(() => bootstrapInterval([[1]], mean, new Rng(1), { level: 1 })).toThrow(/level 1/);
    expect(() => bootstrapInterval([[1]], () => null, new Rng(1))).toThrow(/null on every resample/);
    expect(() => bootstrapInterval([[1]], () => Number.NaN, new Rng(1))).toThrow(/Got NaN/);
  });
});

describe('a metric that cannot be computed', () => {
  const one: ScoredDocument = { docId: 'd', label: 1, score: Number.NaN };
  it.each<[string, () => unknown, string, RegExp]>([
    ['accuracy', () => accuracy([], []), 'bad-shape', /^accuracy: the inputs/u],
    ['confusionMatrix', () => confusionMatrix([1], [], 2), 'bad-shape', /^confusionMatrix: the inputs/u],
    ['a label off the scale', () => macroF1([4], [0], 4), 'bad-shape', /Map both to one scale first/u],
    ['calibration', () => expectedCalibrationError([], []), 'bad-shape', /^expectedCalibrationError: .*equal length/u],
    ['entropy of none', () => entropyNats([]), 'not-finite', /^entropyNats: not a distribution.*add up to 1/u],
    ['entropy', () => entropyNats([2]), 'not-finite', /^entropyNats: not a probability/u],
    ['pairAccuracy', () => pairAccuracy([]), 'bad-shape', /^pairAccuracy: nothing to measure.*Got 0/u],
    ['ndcg', () => ndcg([]), 'bad-shape', /^ndcg: nothing to measure.*Got 0/u],
    [
      'ndcg with a fractional cut-off',
      () => ndcg([[]], 0.5),
      'bad-shape',
      /^ndcg: the cut-off is not valid.*Got 0\.5/u,
    ],
    ['a score', () => rankByScore([one]), 'not-finite', /Look for NaN/u],
    ['citations', () => ruleCitations([], () => true), 'bad-shape', /^ruleCitations: .*at least 1 item.*Got 0/u],
    ['format', () => invalidFormatRate([]), 'bad-shape', /^invalidFormatRate: /u],
    ['agreement', () => labelTraceAgreement([], () => 1), 'bad-shape', /^labelTraceAgreement: /u],
    ['completions', () => distinctCompletionShare([]), 'bad-shape', /^distinctCompletionShare: /u],
    [
      'an interval',
      () => bootstrapInterval([], () => 1, new Rng(1)),
      'bad-shape',
      /cannot resample.*at least one query/u,
    ],
    [
      'an interval of nothing',
      () => bootstrapInterval([[1]], () => null, new Rng(1)),
      'not-finite',
      /no value.*a number on some resample/u,
    ],
  ])('is an error with a code and a reason: %s', (_, act, code, message) => {
    try {
      act();
      expect.fail('it was computed');
    } catch (error) {
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    }
  });
});

/** Two ids that have the same hash. */
function idsOfOneHash(): readonly string[] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const [id, hash] = [`d${i}`, hash32(`d${i}`)];
    const other = seen.get(hash);
    if (other !== undefined) return [id, other];
    seen.set(hash, id);
  }
}
