/** The toy of four arms: what group-relative updates do to a policy that nothing favours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARM_START, groupAdvantages, runToy, type ToySettings } from '../../../../src/ui/lessons/collapse/toy-arms.ts';

const PLAIN: ToySettings = { groupSize: 8, promptShare: 0, lambda: 0, beta: 0 };

describe('advantages in a group', () => {
  it('add up to nothing, are as far apart as one deviation, and are none where all are paid alike', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0.5, 1), { minLength: 1, maxLength: 16 }), (rewards) => {
        const advantages = groupAdvantages(rewards);
        expect(advantages.reduce((sum, each) => sum + each, 0)).toBeCloseTo(0, 9);
        const square = advantages.reduce((sum, each) => sum + each ** 2, 0) / rewards.length;
        expect(square).toBeCloseTo(new Set(rewards).size === 1 ? 0 : 1, 9);
      }),
    );
  });
});

describe('four arms of equal pay', () => {
  it('give policies, and the same ones for the same seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 16 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (groupSize, promptShare, lambda, beta) => {
          const settings = { groupSize, promptShare, lambda, beta };
          const runs = runToy(settings, 3);
          for (const policy of runs.policies) {
            expect(policy).toHaveLength(ARM_START.length);
            expect(policy.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
          }
          expect(runToy(settings, 3)).toEqual(runs);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('lose arms by chance alone, mostly the rare one, and not always the same', () => {
    const { policies, withLoss, withoutLast } = runToy(PLAIN);
    expect(withLoss).toBeGreaterThan(50);
    expect(withoutLast).toBeGreaterThan(25);
    expect(new Set(policies.map((policy) => policy.indexOf(Math.max(...policy)))).size).toBe(ARM_START.length);
  });

  it('keep them with examples or a leash', () => {
    expect(runToy({ ...PLAIN, lambda: 0.3 }).withLoss).toBe(0);
    expect(runToy({ ...PLAIN, beta: 0.5 }).withLoss).toBe(0);
  });

  it('keep the rare one where some prompts ask for it', () => {
    expect(runToy({ ...PLAIN, promptShare: 0.3 }).withoutLast).toBeLessThan(runToy(PLAIN).withoutLast / 4);
  });
});
