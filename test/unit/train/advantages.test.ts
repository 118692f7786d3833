import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSilent,
  normalise,
  type SegmentRewards,
  segmentAdvantages,
  spreadOverTokens,
  zeroVarianceShare,
} from '../../../src/train/advantages.ts';
import { at } from '../../reference/tensor64.ts';

const STEPWISE = { kind: 'stepwise', scaling: 'group', stepWeight: 1 } as const;

/** A completion by its rewards and the rules it cites, each with the value of the step. */
function completion(
  total: number,
  label: number,
  reasoning: number,
  steps: readonly (readonly [rule: number, value: number])[] = [],
): SegmentRewards {
  return { total, label, reasoning, steps: steps.map(([rule, value]) => ({ rule, value })) };
}

describe('normalise', () => {
  it('divides differences from the mean by the standard deviation of the group', () => {
    // 0, 0, 1, 1: mean 1/2, deviation 1/2. 0, 0, 0, 1: mean 1/4, deviation sqrt(3)/4.
    const [even, one] = normalise(
      [
        [0, 0, 1, 1],
        [0, 0, 0, 1],
      ],
      'group',
    );
    expect(even).toEqual([-1, -1, 1, 1]);
    expect(at(at([one ?? []], 0), 3)).toBeCloseTo(Math.sqrt(3), 12);
    expect(at(at([one ?? []], 0), 0)).toBeCloseTo(-1 / Math.sqrt(3), 12);
  });

  it('only centres without scaling (Dr.GRPO)', () => {
    expect(normalise([[0, 0, 0, 1]], 'none')).toEqual([[-0.25, -0.25, -0.25, 0.75]]);
  });

  it('divides by the spread of the whole batch', () => {
    // Differences -1/2, 1/2, -1, 1: mean square 5/8.
    const spread = Math.sqrt(5 / 8);
    const got = normalise(
      [
        [0, 1],
        [0, 2],
      ],
      'batch',
    ).flat();
    for (const [i, value] of [-0.5, 0.5, -1, 1].entries()) expect(at(got, i)).toBeCloseTo(value / spread, 12);
  });

  it('gives 0 where rewards do not differ, despite rounding', () => {
    const nearlyEqual = [0.5, 0.5 + 1e-5, 0.5 - 1e-5];
    for (const scaling of ['group', 'batch', 'none'] as const) {
      expect(normalise([nearlyEqual, [0.3], []], scaling)).toEqual([[0, 0, 0], [0], []]);
    }
  });

  it('sums to 0 in every group, and is invariant to shifting or scaling all rewards', () => {
    const rewards = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 });
    let spread = 0;
    fc.assert(
      fc.property(rewards, (values) => {
        const [plain = []] = normalise([values], 'group');
        const [moved = []] = normalise([values.map((value) => 3 * value + 7)], 'group');
        const sum = plain.reduce((total, value) => total + value, 0);
        expect(Math.abs(sum)).toBeLessThan(1e-6 * values.length * 1e4);
        // A spread exactly at the bound can count in one case and not in the other.
        if (plain.some((value) => value !== 0)) {
          spread += 1;
          for (const [i, value] of plain.entries()) expect(at(moved, i)).toBeCloseTo(value, 6);
        }
      }),
    );
    expect(spread).toBeGreaterThan(0);
  });
});

describe('outcome advantages', () => {
  it('give every segment the advantage of the total', () => {
    const groups = [[completion(1, 1, 1, [[3, 1]]), completion(0, 1, 0, [[3, 0]])]];
    expect(segmentAdvantages(groups, { ...STEPWISE, kind: 'outcome' })).toEqual([
      [
        { label: 1, reasoning: 1, steps: [0] },
        { label: -1, reasoning: -1, steps: [0] },
      ],
    ]);
  });
});

describe('stepwise advantages', () => {
  it('compare each segment with the same segment of the group', () => {
    // Labels 1, 0; reasoning 0, 1: the label of the first and the reasoning of the second did better.
    const [group] = segmentAdvantages([[completion(0.5, 1, 0), completion(0.5, 0, 1)]], STEPWISE);
    expect(group).toEqual([
      { label: 1, reasoning: -1, steps: [] },
      { label: -1, reasoning: 1, steps: [] },
    ]);
  });

  it('compare steps with other citations of the same rule only', () => {
    const group = [
      completion(0, 1, 0.5, [
        [3, 1],
        [7, 0],
      ]),
      completion(0, 1, 0.5, [[3, 0]]),
      completion(0, 1, 0.5, [[3, 1]]),
      completion(0, 1, 0.5, [[9, 0]]),
    ];
    const [got = []] = segmentAdvantages([group], STEPWISE);
    // Rule 3: values 1, 0, 1 with mean 2/3 and deviation sqrt(2)/3. Rules 7 and 9 are cited once.
    const [up, down] = [1 / Math.SQRT2, -Math.SQRT2];
    expect(at(at(got, 0).steps, 0)).toBeCloseTo(up, 12);
    expect(at(at(got, 1).steps, 0)).toBeCloseTo(down, 12);
    expect(at(at(got, 2).steps, 0)).toBeCloseTo(up, 12);
    expect(at(at(got, 0).steps, 1)).toBe(0);
    expect(at(got, 3).steps).toEqual([0]);
  });

  it('do not compare across prompts', () => {
    const cited = (value: number) => [completion(0, 1, 0, [[3, value]]), completion(0, 1, 0)];
    expect(
      segmentAdvantages([cited(1), cited(0)], STEPWISE)
        .flat()
        .flatMap(({ steps }) => steps),
    ).toEqual([0, 0]);
  });

  it('count a rule cited twice by one completion as two citations', () => {
    const twice = completion(0, 1, 0, [
      [3, 1],
      [3, 0],
    ]);
    const [[got] = []] = segmentAdvantages([[twice, completion(0, 1, 0)]], STEPWISE);
    expect(got?.steps).toEqual([1, -1]);
  });

  it('weight steps as configured', () => {
    const group = [completion(0, 1, 0, [[3, 1]]), completion(0, 1, 0, [[3, 0]])];
    const [got = []] = segmentAdvantages([group], { ...STEPWISE, stepWeight: 0.25 });
    expect(got.map(({ steps }) => steps)).toEqual([[0.25], [-0.25]]);
  });

  it('lower the whole reasoning of a completion that omits a gold rule', () => {
    // F1 of one right step of two gold rules is 2/3; of both, 1.
    const group = [
      completion(0, 1, 1, [
        [3, 1],
        [4, 1],
      ]),
      completion(0, 1, 2 / 3, [[3, 1]]),
    ];
    const [[full, short] = []] = segmentAdvantages([group], STEPWISE);
    expect(full?.reasoning).toBeCloseTo(1, 12);
    expect([full?.label, short?.label, full?.steps]).toEqual([0, 0, [0, 0]]);
    expect(short?.reasoning).toBeCloseTo(-1, 12);
    expect(short?.steps).toEqual([0]);
  });
});

describe('spreadOverTokens', () => {
  it("assigns the label's, the reasoning's plus the step's, and the reasoning's for the rest", () => {
    const spans = [
      { start: 1, end: 3 },
      { start: 3, end: 4 },
    ];
    const tokens = spreadOverTokens(6, spans, { label: 2, reasoning: 0.5, steps: [1, -1] });
    expect(tokens).toEqual([2, 1.5, 1.5, -0.5, 0.5, 0.5]);
  });

  it('has one entry per token for any completion', () => {
    expect(spreadOverTokens(0, [], { label: 1, reasoning: 2, steps: [] })).toEqual([]);
    expect(spreadOverTokens(1, [], { label: 1, reasoning: 2, steps: [] })).toEqual([1]);
  });
});

describe('groups without a signal', () => {
  const same = [completion(0.5, 1, 0), completion(0.5, 0, 1)];
  const equal = [completion(1, 1, 1), completion(1, 1, 1)];

  it('are counted by their total rewards', () => {
    expect(zeroVarianceShare([same, equal, [completion(0, 0, 0), completion(1, 1, 1)]])).toBeCloseTo(2 / 3, 12);
    expect(zeroVarianceShare([])).toBe(0);
  });

  it('are silent only if no segment differs', () => {
    const [first = [], second = []] = segmentAdvantages([same, equal], STEPWISE);
    expect([isSilent(first), isSilent(second)]).toEqual([false, true]);
    const [asOutcome = []] = segmentAdvantages([same], { ...STEPWISE, kind: 'outcome' });
    expect(isSilent(asOutcome)).toBe(true);
    const none = { label: 0, reasoning: 0, steps: [0, 0] };
    expect(isSilent([none, none])).toBe(true);
    for (const signal of [{ label: 1 }, { reasoning: 1 }, { steps: [0, 1] }]) {
      expect(isSilent([none, { ...none, ...signal }])).toBe(false);
    }
  });
});
