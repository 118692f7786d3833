/** Agreement of judges: Krippendorff's own example, and what has to hold of any judgments. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeJudges, type Judgment, reportJudges } from '../../../../src/relevance/metrics/judges.ts';

/** Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": four observers, twelve units, 0 for none. */
const EXAMPLE = [
  [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
  [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
  [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
  [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
];
const judgments = (table: readonly (readonly number[])[]): Judgment[] =>
  table.flatMap((row, judge) =>
    row.flatMap((label, unit) =>
      label === 0 ? [] : [{ queryId: `q${unit}`, unit: `u${unit}`, judge: `judge ${judge}`, label }],
    ),
  );

describe('the agreement of judges', () => {
  it("is Krippendorff's alpha, as in his example", () => {
    const report = reportJudges(judgments(EXAMPLE), 6);
    expect(report?.alpha.value).toBeCloseTo(0.849, 3);
    expect(report?.pairs).toBe(11);
    expect(report?.judges.map(({ judged }) => judged)).toEqual([11, 11, 10, 9]);
    const between = report?.between.find(({ judges }) => judges.join() === 'judge 0,judge 1');
    expect(between).toMatchObject({ pairs: 9, same: 8 / 9 });
    expect(describeJudges(report ?? expect.fail('no report'))[0]).toMatch(/^4 judges, 11 pairs with two or more/u);
  });

  it('is 1 where all say the same of different pairs, and nothing where no pair has two judges', () => {
    const same = [
      [1, 2, 3],
      [1, 2, 3],
    ];
    expect(reportJudges(judgments(same), 4)).toMatchObject({ alpha: { value: 1 }, between: [{ same: 1, kappa: 1 }] });
    expect(
      reportJudges(
        judgments([
          [1, 0],
          [0, 2],
        ]),
        4,
      ),
    ).toBeNull();
    expect(
      reportJudges(
        judgments([
          [1, 1],
          [1, 1],
        ]),
        4,
      )?.alpha,
    ).toEqual({ value: null });
  });

  it('does not depend on the order or the names of judges and pairs, and the last word of a judge counts', () => {
    const label = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.array(label, { minLength: 5, maxLength: 5 }), { minLength: 2, maxLength: 4 }),
        (table) => {
          const all = judgments(table);
          const alpha = reportJudges(all, 4)?.alpha.value ?? null;
          const other = judgments(table.toReversed().map((row) => row.toReversed()));
          const reversed = reportJudges(other, 4)?.alpha.value ?? null;
          if (alpha === null) expect(reversed).toBeNull();
          else expect(reversed).toBeCloseTo(alpha, 10);
          const before = all.map((one) => ({ ...one, label: 3 - one.label }));
          expect(reportJudges([...before, ...all], 4)).toEqual(reportJudges(all, 4));
        },
      ),
      { numRuns: 20 },
    );
  });
});
