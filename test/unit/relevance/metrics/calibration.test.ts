/** Reliability and abstention, against the plain way to compute the same. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abstentionAt,
  abstentionCurve,
  describeAbstention,
  reliabilityBins,
} from '../../../../src/relevance/metrics/calibration.ts';
import { expectedCalibrationError } from '../../../../src/relevance/metrics/metrics.ts';

const answers = fc.array(fc.record({ confidence: fc.double({ min: 0, max: 1, noNaN: true }), isRight: fc.boolean() }), {
  minLength: 1,
  maxLength: 40,
});

describe('sure answers', () => {
  it('are in the bins of the calibration error', () => {
    fc.assert(
      fc.property(answers, (all) => {
        const bins = reliabilityBins(all);
        expect(bins.reduce((sum, bin) => sum + bin.answers, 0)).toBe(all.length);
        const gap = bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.confidence * bin.answers), 0);
        const [confidences, isRight] = [all.map((one) => one.confidence), all.map((one) => one.isRight)];
        expect(gap / all.length).toBeCloseTo(expectedCalibrationError(confidences, isRight, 10), 10);
      }),
    );
  });

  it('are left above each threshold as if it were the only one', () => {
    fc.assert(
      fc.property(answers, (all) => {
        const curve = abstentionCurve(all);
        expect(curve).toHaveLength(100);
        for (const point of curve) expect(point).toEqual(abstentionAt(all, point.threshold));
      }),
    );
  });

  it('cost what goes to a person and what stays wrong', () => {
    const said = describeAbstention({ threshold: 0.8, answered: 6, right: 5 }, { graded: 10, right: 7 });
    expect(said).toBe(
      'Below 80 % a person decides: 4 of 10 graded pairs (40 %). Of the other labels 83 % are right (of all: 70 %); wrong labels that stay: 1.',
    );
  });
});
