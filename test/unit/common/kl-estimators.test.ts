/** The expectations and gradients of k1, k2 and k3; and the policy that maximises a KL-regularised reward. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ESTIMATORS,
  expectedFacts,
  forwardKlGradient,
  klNats,
  reverseKlGradient,
  sampledFacts,
  softmax,
} from '../../../src/common/kl-estimators.ts';
import { Rng } from '../../../src/common/rng.ts';
import { entropyNats, regularisedReward, meanReward, tiltedPolicy } from '../../../src/common/tilted-policy.ts';

const logits = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 4, maxLength: 4 });
const close = (a: readonly number[], b: readonly number[], digits = 10): void => {
  expect(a).toHaveLength(b.length);
  for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i] ?? NaN, digits);
};

describe('the estimators', () => {
  it('k1 and k3 are unbiased, k2 is not, and k3 is never negative', () => {
    fc.assert(
      fc.property(logits, logits, (a, b) => {
        const [p, ref] = [softmax(a), softmax(b)];
        expect(expectedFacts('k1', p, ref).mean).toBeCloseTo(klNats(p, ref), 10);
        expect(expectedFacts('k3', p, ref).mean).toBeCloseTo(klNats(p, ref), 10);
        // Of one outcome, drawn from p; 0 where both are equally likely, up to rounding.
        expect(sampledFacts('k3', p, ref, 1, new Rng(`${a[0]}`)).mean).toBeGreaterThan(-1e-12);
      }),
    );
    const [p, ref] = [softmax([4, 0]), softmax([0, 4])];
    expect(Math.abs(expectedFacts('k2', p, ref).mean - klNats(p, ref))).toBeGreaterThan(0.1);
  });

  it('have in expectation no gradient (k1), the gradient of the reverse KL (k2) or of the forward KL (k3)', () => {
    fc.assert(
      fc.property(logits, logits, (a, b) => {
        const [p, ref] = [softmax(a), softmax(b)];
        close(expectedFacts('k1', p, ref).gradient, [0, 0, 0, 0]);
        close(expectedFacts('k2', p, ref).gradient, reverseKlGradient(p, ref));
        close(expectedFacts('k3', p, ref).gradient, forwardKlGradient(p, ref));
      }),
    );
  });

  it('have analytic gradients equal to finite differences', () => {
    const [at, ref] = [[0.4, -1, 0.9, 0], softmax([1, 0, 0.3, -0.7])];
    const numeric = (of: (p: number[]) => number): number[] =>
      at.map((_, j) => {
        const moved = (by: number) => of(softmax(at.map((logit, i) => (i === j ? logit + by : logit))));
        return (moved(1e-5) - moved(-1e-5)) / 2e-5;
      });
    const reverse = numeric((p) => klNats(p, ref));
    close(reverseKlGradient(softmax(at), ref), reverse, 7);
    const forward = numeric((p) => klNats(ref, p));
    close(forwardKlGradient(softmax(at), ref), forward, 7);
  });

  it('converge to their expectations with many samples', () => {
    const [p, ref] = [softmax([0.3, -1, 1, 0]), softmax([1, 0, -0.5, 0])];
    for (const kind of ESTIMATORS) {
      const exact = expectedFacts(kind, p, ref);
      const sampled = sampledFacts(kind, p, ref, 40_000, new Rng(kind));
      expect(Math.abs(sampled.mean - exact.mean)).toBeLessThan((5 * exact.sd) / 200);
      close(sampled.gradient, exact.gradient, 1);
    }
  });
});

describe('the policy that maximises a KL-regularised reward', () => {
  const ref = [0.4, 0.3, 0.2, 0.1];
  const rewards = [0.2, 0.9, 0.9, 0.5];

  it('is better than any other', () => {
    fc.assert(
      fc.property(logits, fc.double({ min: 0.05, max: 3, noNaN: true }), (other, beta) => {
        const best = tiltedPolicy(ref, rewards, beta);
        const value = regularisedReward(best, ref, rewards, beta);
        expect(value).toBeGreaterThanOrEqual(regularisedReward(softmax(other), ref, rewards, beta) - 1e-12);
      }),
    );
  });

  it('goes from the reference to the best outcomes as beta falls', () => {
    close(tiltedPolicy(ref, rewards, 1e12), ref);
    close(tiltedPolicy(ref, rewards, 1e-3), [0, 0.6, 0.4, 0]);
    const betas = [5, 1, 0.3, 0.1, 0.03];
    const reached = betas.map((beta) => meanReward(tiltedPolicy(ref, rewards, beta), rewards));
    expect(reached).toEqual(reached.toSorted((a, b) => a - b));
    expect(entropyNats(tiltedPolicy(ref, rewards, 0.01))).toBeCloseTo(entropyNats([0.6, 0.4]), 6);
  });
});
