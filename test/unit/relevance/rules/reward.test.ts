import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import {
  explainReward,
  type RewardCase,
  rewardConfigSchema,
  type StepReason,
} from '../../../../src/relevance/rules/reward.ts';
import { special } from '../../../../src/relevance/trace/segments.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { parseTrace, printTrace, type Trace, type TraceStep } from '../../../../src/relevance/trace/trace.ts';
import { CRITERIA, labelToken, MAX_RULES, VERDICTS } from '../../../../src/relevance/pair/vocabulary.ts';

const PAIR: Pair = { query: 'zorvex kettle', document: makeDocument({ title: 'blim kettle', brand: 'blim' }) };
const TYPE: TraceStep = {
  rule: 0,
  criterion: 'type',
  evidence: [{ source: 'query', text: 'kettle' }],
  verdict: 'match',
};
const BRAND: TraceStep = {
  rule: 5,
  criterion: 'brand',
  evidence: [
    { source: 'query', text: 'zorvex' },
    { source: 'document', text: 'blim' },
  ],
  verdict: 'mismatch',
};
/** Quotes one span of the pair and one invented span. */
const HALF_INVENTED: TraceStep = {
  ...BRAND,
  evidence: [
    { source: 'query', text: 'zorvex' },
    { source: 'document', text: 'teapot' },
  ],
};
const OTHER: TraceStep = { rule: 9, criterion: 'overall', evidence: [], verdict: 'near' };
const GOLD: Trace = { scaleSize: 4, label: 1, steps: [TYPE, BRAND], restated: 1 };
const IMPLIED = new Map([[5, 1], [9, 3], [11, 1]]); // prettier-ignore
const CASE: RewardCase = {
  pair: PAIR,
  folding: currentFolding(),
  gold: GOLD,
  impliedLabel: (rule) => IMPLIED.get(rule),
};

const reward = (trace: Trace, config: object = {}, judged = CASE) =>
  explainReward(parseTrace(printTrace(trace)), judged, v.parse(rewardConfigSchema, config));
const reasons = (trace: Trace, config: object = {}): StepReason[] =>
  reward(trace, config).steps.map(({ reason }) => reason);
const withSteps = (...steps: TraceStep[]): Trace => ({ ...GOLD, steps });

describe('the strict reward', () => {
  it('is 1 for gold', () => {
    expect(reward(GOLD)).toEqual({
      kind: 'strict',
      labelShare: 0.5,
      total: 1,
      rejected: undefined,
      label: { value: 1, earned: 0.5 },
      reasoning: { value: 1, earned: 0.5 },
      steps: [
        { rule: 0, value: 1, earned: 0.25, cost: 0, reason: 'right' },
        { rule: 5, value: 1, earned: 0.25, cost: 0, reason: 'right' },
      ],
      missed: [],
    });
  });

  it('is 0 if the completion does not parse, and reports where', () => {
    const broken = explainReward(parseTrace([special(labelToken(4, 1))]), CASE);
    expect(broken).toMatchObject({ total: 0, label: { value: 1, earned: 0 } });
    expect(broken.rejected).toMatch(/does not parse at segment 1: expected rule or label of 4/);
  });

  it('is 0 if the restated label differs from the first, or the scale differs', () => {
    expect(reward({ ...GOLD, restated: 2 })).toMatchObject({ total: 0, rejected: 'answers 1 but restates 2' });
    expect(reward({ ...GOLD, scaleSize: 5 })).toMatchObject({
      total: 0,
      rejected: 'answers on a scale of 5 instead of 4',
    });
  });

  it('lists the parts of a rejected completion, none of which earns or costs anything', () => {
    const lost = { value: 0, earned: 0, cost: 0, reason: 'lost with the whole' };
    expect(reward({ ...GOLD, restated: 2 })).toMatchObject({
      label: { value: 1, earned: 0 },
      reasoning: { value: 0, earned: 0 },
      steps: [
        { rule: 0, ...lost },
        { rule: 5, ...lost },
      ],
      missed: [],
    });
    const broken = explainReward(parseTrace(printTrace(GOLD).slice(0, -2)), CASE);
    expect(broken.steps.map(({ rule, reason }) => [rule, reason])).toEqual([
      [0, 'lost with the whole'],
      [5, 'lost with the whole'],
    ]);
    const ordinal = v.parse(rewardConfigSchema, { labelCredit: 'ordinal' });
    expect(explainReward(parseTrace([]), CASE, ordinal).label).toEqual({ value: 0, earned: 0 });
  });

  it('equals hand-computed values, with half for the label and half for the steps', () => {
    // One of two gold rules, nothing wrong: F1 = 2*1/(1+2).
    expect(reward(withSteps(BRAND)).total).toBeCloseTo(0.5 + 0.5 * (2 / 3), 12);
    // Both gold rules and a spurious one: F1 = 2*2/(3+2).
    expect(reward(withSteps(TYPE, BRAND, OTHER)).total).toBeCloseTo(0.5 + 0.5 * 0.8, 12);
    // The wrong label in both places, with the right steps.
    expect(reward({ ...GOLD, label: 2, restated: 2 }).total).toBe(0.5);
    expect(reward(withSteps()).total).toBe(0.5);
  });

  it('weights label and reasoning by labelShare', () => {
    const wrong = { ...GOLD, label: 2, restated: 2 };
    expect(reward(wrong, { labelShare: 0.2 }).total).toBeCloseTo(0.8, 12);
    expect(reward(wrong, { labelShare: 1 }).total).toBe(0);
    expect(reward(withSteps(BRAND), { labelShare: 0.2 }).total).toBeCloseTo(0.2 + 0.8 * (2 / 3), 12);
    expect(reward(withSteps(BRAND), { labelShare: 0.2 }).missed[0]?.cost).toBeCloseTo(0.8 * (1 - 2 / 3), 12);
  });

  it('gives near labels partial credit under ordinal credit', () => {
    const near = { ...GOLD, label: 2, restated: 2 };
    expect(reward(near, { labelCredit: 'ordinal' }).label.value).toBeCloseTo(2 / 3, 12);
    expect(reward({ ...GOLD, label: 3, restated: 3 }, { labelCredit: 'ordinal' }).label.value).toBeCloseTo(1 / 3, 12);
  });

  it('gives the reason why a step earns nothing', () => {
    expect(reasons(withSteps(TYPE, TYPE, OTHER))).toEqual(['right', 'cited twice', 'not in gold']);
    expect(reasons(withSteps({ ...TYPE, verdict: 'near' }))).toEqual(['wrong verdict']);
    expect(reasons(withSteps({ ...TYPE, criterion: 'brand' }))).toEqual(['wrong criterion']);
    expect(reasons(withSteps({ ...TYPE, evidence: [] }))).toEqual(['evidence left out']);
    expect(reasons(withSteps({ ...BRAND, evidence: [{ source: 'query', text: 'zorvex' }] }))).toEqual([
      'evidence left out',
    ]);
    expect(reasons(withSteps({ ...TYPE, evidence: [{ source: 'query', text: 'teapot' }] }))).toEqual([
      'evidence not in the pair',
    ]);
    expect(reasons(withSteps(HALF_INVENTED))).toEqual(['evidence not in the pair']);
  });

  it('gives a corrected step nothing after a wrong citation of its rule', () => {
    expect(reasons(withSteps({ ...TYPE, verdict: 'near' }, TYPE))).toEqual(['wrong verdict', 'cited twice']);
  });

  it('lists missed rules with their costs', () => {
    const { total, missed } = reward(withSteps(TYPE));
    expect(missed).toEqual([{ rule: 5, cost: expect.closeTo(1 - total, 12) as number }]);
    const { steps } = reward(withSteps(TYPE, BRAND, OTHER));
    expect(steps[2]).toMatchObject({ reason: 'not in gold', cost: expect.closeTo(0.1, 12) as number });
  });

  it('gives no steps the full reward only if gold has none', () => {
    const judged = { ...CASE, gold: withSteps() };
    expect(reward(withSteps(), {}, judged).total).toBe(1);
    expect(reward(withSteps(OTHER), {}, judged)).toMatchObject({ total: 0.5, steps: [{ cost: 0.5 }] });
  });
});

describe('the weaker rewards', () => {
  it('lenient rewards label and format only', () => {
    expect(reward(withSteps(), { kind: 'lenient' }).total).toBe(1);
    expect(reward(withSteps(OTHER, OTHER), { kind: 'lenient' }).total).toBe(1);
    expect(reward({ ...withSteps(), label: 3, restated: 3 }, { kind: 'lenient' }).total).toBe(0.5);
    expect(reward({ ...GOLD, restated: 2 }, { kind: 'lenient' }).total).toBe(0);
    const { steps, missed } = reward(withSteps(OTHER), { kind: 'lenient' });
    expect(steps).toEqual([{ rule: 9, value: 0, earned: 0, cost: 0, reason: 'not looked at' }]);
    expect(missed).toEqual([]);
  });

  it('plausible is hacked by any rule that implies the stated label', () => {
    const hack: TraceStep = {
      rule: 11,
      criterion: 'type',
      evidence: [{ source: 'document', text: 'kettle' }],
      verdict: 'match',
    };
    expect(reward(withSteps(hack), { kind: 'plausible' }).total).toBe(1);
    expect(reward(withSteps(hack)).total).toBe(0.5);
  });

  it('plausible requires an implied label, no contradiction, and evidence from the pair', () => {
    const plausible = { kind: 'plausible' };
    expect(reward(GOLD, plausible).total).toBe(1);
    expect(reward(withSteps(), plausible).total).toBe(0.5);
    expect(reasons(withSteps(TYPE), plausible)).toEqual(['no step implies the label']);
    expect(reward(withSteps(TYPE), plausible).total).toBe(0.5);
    expect(reasons(withSteps(BRAND, OTHER), plausible)).toEqual(['right', 'implies another label']);
    expect(reward(withSteps(BRAND, OTHER), plausible).total).toBe(0.75);
    const invented: TraceStep = { ...BRAND, evidence: [{ source: 'query', text: 'nothing like it' }] };
    expect(reasons(withSteps(invented), plausible)).toEqual(['evidence not in the pair']);
    expect(reasons(withSteps(HALF_INVENTED), plausible)).toEqual(['evidence not in the pair']);
  });

  it('plausible charges a wrong step the gain from removing it', () => {
    const costs = (...steps: TraceStep[]): number[] =>
      reward(withSteps(...steps), { kind: 'plausible' }).steps.map(({ cost }) => cost);
    expect(costs(BRAND, OTHER)).toEqual([0, expect.closeTo(0.5 * (1 - 1 / 2), 12)]);
    const twice = expect.closeTo(0.5 * (1 / 2 - 1 / 3), 12) as number;
    expect(costs(BRAND, OTHER, OTHER)).toEqual([0, twice, twice]);
    expect(costs(OTHER)).toEqual([0]);
    expect(reward(withSteps(BRAND, OTHER), { kind: 'plausible' }).missed).toEqual([]);
  });
});

describe('every reward', () => {
  const step = fc.oneof(
    fc.constantFrom(TYPE, BRAND, OTHER),
    fc.record({
      rule: fc.integer({ min: 0, max: 12 }),
      criterion: fc.constantFrom(...CRITERIA),
      evidence: fc.constantFrom<TraceStep['evidence']>([], TYPE.evidence, BRAND.evidence, [
        { source: 'query', text: 'x' },
      ]),
      verdict: fc.constantFrom(...VERDICTS),
    }),
  );
  const label = fc.integer({ min: 0, max: 3 });
  const trace: fc.Arbitrary<Trace> = fc
    .record({ steps: fc.array(step, { maxLength: 6 }), label })
    .map(({ steps, label: answer }) => ({ scaleSize: 4, label: answer, steps, restated: answer }));
  const config = fc.record({
    kind: fc.constantFrom('strict', 'plausible', 'lenient'),
    labelCredit: fc.constantFrom('exact', 'ordinal'),
    labelShare: fc.constantFrom(0, 0.3, 0.5, 1),
  });

  it('lies in [0, 1], adds up, and is highest for gold', () => {
    fc.assert(
      fc.property(trace, config, (completion, choice) => {
        const explained = reward(completion, choice);
        expect(explained.total).toBeGreaterThanOrEqual(0);
        expect(explained.total).toBeLessThanOrEqual(reward(GOLD, choice).total);
        expect(explained.label.earned + explained.reasoning.earned).toBeCloseTo(explained.total, 12);
        const bySteps = explained.steps.reduce((sum, { earned }) => sum + earned, 0);
        if (choice.kind !== 'lenient') expect(bySteps).toBeCloseTo(explained.reasoning.earned, 12);
      }),
    );
  });

  it('strict: only a permutation of gold earns as much as gold, unlike the shortest and the longest trace', () => {
    const everyRule = Array.from(
      { length: MAX_RULES },
      (_, rule) => [TYPE, BRAND].find((known) => known.rule === rule) ?? { ...OTHER, rule },
    );
    expect(reward(withSteps()).total).toBeLessThan(1);
    expect(reward(withSteps(...everyRule)).total).toBeLessThan(0.6);
    let earnedAll = 0;
    fc.assert(
      fc.property(fc.shuffledSubarray([TYPE, BRAND, OTHER]), fc.constantFrom(GOLD.label, 2), (steps, answer) => {
        const { total } = reward({ ...GOLD, label: answer, restated: answer, steps });
        const isGold = answer === GOLD.label && steps.length === 2 && !steps.includes(OTHER);
        expect(total === 1).toBe(isGold);
        earnedAll += Number(isGold);
      }),
    );
    expect(earnedAll).toBeGreaterThan(0);
  });

  it('strict: costs equal the gain from removing a spurious step or adding a missed one', () => {
    let [removed, added] = [0, 0];
    fc.assert(
      fc.property(trace, (completion) => {
        const explained = reward(completion);
        const spurious = explained.steps.findIndex(({ reason }) => reason === 'not in gold');
        if (spurious >= 0) {
          removed += 1;
          const without = reward({ ...completion, steps: completion.steps.filter((_, i) => i !== spurious) });
          expect(without.total - explained.total).toBeCloseTo(explained.steps[spurious]?.cost ?? NaN, 12);
        }
        for (const { rule, cost } of explained.missed) {
          const missed = GOLD.steps.filter((gold) => gold.rule === rule);
          const better = reward({ ...completion, steps: [...completion.steps, ...missed] });
          expect(better.total - explained.total).toBeCloseTo(cost, 12);
          added += 1;
        }
      }),
    );
    expect(Math.min(removed, added)).toBeGreaterThan(0);
  });
});

describe('rewardConfigSchema', () => {
  it('is strict, with defaults', () => {
    expect(v.parse(rewardConfigSchema, {})).toEqual({
      kind: 'strict',
      labelCredit: 'exact',
      labelShare: 0.5,
      own: null,
    });
    expect(() => v.parse(rewardConfigSchema, { label: 'exact' })).toThrow();
  });
});
