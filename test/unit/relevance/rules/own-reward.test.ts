/** One's own reward: weights of the rewards there are, and bonuses. */
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import {
  explainReward,
  REWARD_KINDS,
  type RewardCase,
  rewardConfigSchema,
} from '../../../../src/relevance/rules/reward.ts';
import { ruleBonusesOf } from '../../../../src/relevance/rules/own-reward.ts';
import { parseTrace, printTrace, type Trace, type TraceStep } from '../../../../src/relevance/trace/trace.ts';

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
  evidence: [{ source: 'document', text: 'blim' }],
  verdict: 'mismatch',
};
const OTHER: TraceStep = { rule: 9, criterion: 'overall', evidence: [], verdict: 'near' };
const GOLD: Trace = { scaleSize: 4, label: 1, steps: [TYPE, BRAND], restated: 1 };
const ALL = [TYPE, BRAND, OTHER];
const IMPLIED = new Map([[5, 1], [9, 3]]); // prettier-ignore
const CASE: RewardCase = {
  pair: PAIR,
  folding: currentFolding(),
  gold: GOLD,
  impliedLabel: (rule) => IMPLIED.get(rule),
};

const config = (reward: object) => v.parse(rewardConfigSchema, reward);
const valueOf = (steps: readonly TraceStep[], reward: object, more: Partial<RewardCase> = {}): number =>
  explainReward(parseTrace(printTrace({ ...GOLD, steps })), { ...CASE, ...more }, config(reward)).reasoning.value;

const someSteps = fc.subarray(ALL);

describe('one’s own reward', () => {
  it.each(REWARD_KINDS)('with the weight of %s alone is that reward', (kind) => {
    fc.assert(
      fc.property(someSteps, fc.double({ min: 0.1, max: 10, noNaN: true }), (steps, weight) => {
        const own = { strict: 0, plausible: 0, lenient: 0, [kind]: weight };
        expect(valueOf(steps, { own })).toBeCloseTo(valueOf(steps, { kind }), 12);
      }),
    );
  });

  it('is the weighted mean of its parts, whatever they are weighed in', () => {
    const weights = fc.record({ strict: fc.nat(9), plausible: fc.nat(9), lenient: fc.nat(9) });
    fc.assert(
      fc.property(someSteps, weights, (steps, own) => {
        const total = own.strict + own.plausible + own.lenient;
        const mean =
          REWARD_KINDS.reduce((sum, kind) => sum + own[kind] * valueOf(steps, { kind }), 0) / Math.max(1, total);
        expect(valueOf(steps, { own })).toBeCloseTo(mean, 12);
      }),
    );
  });

  it('adds bonuses by rule once, by step up to a number, and by token, and stays from 0 to 1', () => {
    const none = { strict: 0, plausible: 0, lenient: 0 };
    const bonus = { tokens: 10, ruleBonuses: new Map([[5, 0.25]]) };
    expect(valueOf([BRAND, BRAND, TYPE], { own: none }, { bonus })).toBe(0.25);
    expect(valueOf(ALL, { own: { ...none, stepBonus: 0.1, bonusSteps: 2 } }, { bonus })).toBeCloseTo(0.45, 12);
    expect(valueOf(ALL, { own: { ...none, tokenBonus: 0.03 } }, { bonus })).toBeCloseTo(0.55, 12);
    expect(valueOf(ALL, { own: { ...none, tokenBonus: -0.5 } }, { bonus })).toBe(0);
    expect(valueOf(ALL, { own: { ...none, tokenBonus: 0.5 } }, { bonus })).toBe(1);
  });

  it('explains itself: steps share what is earned, and the cost of a step is what leaving it out would gain', () => {
    fc.assert(
      fc.property(someSteps, (steps) => {
        const own = { strict: 1, plausible: 1, stepBonus: -0.1 };
        const reward = explainReward(parseTrace(printTrace({ ...GOLD, steps })), CASE, config({ own }));
        const earned = reward.steps.reduce((sum, step) => sum + step.earned, 0);
        if (steps.length > 0) expect(earned).toBeCloseTo(reward.reasoning.earned, 12);
        for (const [i, { cost }] of reward.steps.entries()) {
          const without = valueOf(
            steps.filter((_, other) => other !== i),
            { own },
          );
          expect(cost).toBeCloseTo(0.5 * Math.max(0, without - reward.reasoning.value), 12);
        }
        expect(reward).toMatchObject({ kind: 'own', total: reward.label.earned + reward.reasoning.earned });
      }),
    );
  });

  it('gives way to what a module has given, except where the completion is rejected', () => {
    const moduleHash = 'a'.repeat(64);
    expect(valueOf(ALL, { moduleHash }, { given: 0.7 })).toBe(0.7);
    const broken = explainReward(
      parseTrace(printTrace({ ...GOLD, restated: 2 })),
      { ...CASE, given: 1 },
      config({ moduleHash }),
    );
    expect(broken).toMatchObject({ kind: 'module', total: 0 });
  });

  it('names rules by their ids, and refuses what is no bonus or no rule', () => {
    const instruction = {
      name: 'i',
      version: 1,
      scaleSize: 4,
      rules: [{ id: 'type-near' }, { id: 'brand-other' }],
    } as never;
    const own = config({ own: { ruleBonuses: ' brand-other  0.2, type-near -0.1,' } }).own;
    expect(own && ruleBonusesOf(own, instruction)).toEqual(new Map([[1, 0.2], [0, -0.1]])); // prettier-ignore
    const unknown = config({ own: { ruleBonuses: 'color-other 1' } }).own;
    expect(() => unknown && ruleBonusesOf(unknown, instruction)).toThrow(/type-near, brand-other.*color-other/u);
    for (const ruleBonuses of ['brand-other', 'brand-other much', '0.2', 'brand-other 1 2']) {
      expect(v.safeParse(rewardConfigSchema, { own: { ruleBonuses } }).success).toBe(false);
    }
  });
});
