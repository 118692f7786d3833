/**
 * E0: does the theory that the lab shows hold in its own numbers? Each check compares a computed value with its closed
 * form. Nothing is trained.
 */
import * as v from 'valibot';
import { forwardFit, forwardKl, type Component, reverseFits } from '../common/gaussian-mixture.ts';
import {
  ESTIMATORS,
  expectedFacts,
  forwardKlGradient,
  klNats,
  reverseKlGradient,
  sampledFacts,
  softmax,
} from '../common/kl-estimators.ts';
import { Rng } from '../common/rng.ts';
import { regularisedReward, tiltedPolicy } from '../common/tilted-policy.ts';
import { paragraph, type Report, table } from './report.ts';

const CheckSchema = v.strictObject({
  name: v.string(),
  expected: v.number(),
  got: v.number(),
  /** The largest difference that counts as equal. */
  tolerance: v.number(),
  holds: v.boolean(),
});
/** One comparison with a known value. */
type TheoryCheck = v.InferOutput<typeof CheckSchema>;

/** The schema of `docs/results/E0.json`. */
export const TheoryResultsSchema = v.strictObject({
  id: v.literal('E0'),
  title: v.string(),
  checks: v.array(CheckSchema),
  holds: v.boolean(),
  device: v.string(),
  commit: v.string(),
  verdict: v.string(),
});
export type TheoryResults = v.InferOutput<typeof TheoryResultsSchema>;

/** Compares the theory's code with analytic results. Deterministic; takes a fraction of a second. */
export function runE0(commit: string): TheoryResults {
  const checks = [...fitChecks(), ...estimatorChecks(), ...tiltChecks()];
  const holds = checks.every((each) => each.holds);
  return {
    id: 'E0',
    title: 'Forward and reverse KL, estimators and the aim of a leashed reward',
    checks,
    holds,
    device: 'CPU, double precision',
    commit,
    verdict: holds ? 'All that is computed agrees with what is known in closed form.' : 'Something is off.',
  };
}

/** The report. */
export function theoryReport({ id, title, checks, device, commit, verdict }: TheoryResults): Report {
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(`${verdict} ${device}, commit ${commit}. Made by `, { code: `npm run lab -- experiment ${id}` }, '.'),
      table(
        ['Check', 'expected', 'got', 'tolerance', 'holds'],
        checks.map(({ name, expected, got, tolerance, holds }) => {
          return [name, expected.toPrecision(6), got.toPrecision(6), tolerance.toExponential(0), holds ? 'yes' : 'no'];
        }),
      ),
    ],
  };
}

function check(name: string, expected: number, got: number, tolerance: number): TheoryCheck {
  return { name, expected, got, tolerance, holds: Math.abs(expected - got) <= tolerance };
}

function fitChecks(): TheoryCheck[] {
  const skewed: Component[] = [
    { weight: 0.7, mean: -1, sd: 0.5 },
    { weight: 0.3, mean: 3, sd: 1 },
  ];
  const forward = forwardFit(skewed);
  const slopeOf = (nudge: { mean: number; sd: number }): number => {
    const at = (sign: number): number =>
      forwardKl(skewed, { mean: forward.mean + sign * nudge.mean, sd: forward.sd + sign * nudge.sd });
    return (at(1) - at(-1)) / (2 * (nudge.mean + nudge.sd));
  };
  const [alone] = reverseFits([{ weight: 2, mean: 1.5, sd: 0.7 }]);
  const apart: Component[] = [
    { weight: 0.3, mean: -8, sd: 1 },
    { weight: 0.7, mean: 8, sd: 0.5 },
  ];
  const [heavier, lighter] = reverseFits(apart);
  return [
    check('forward: the mean is that of the mixture', 0.2, forward.mean, 1e-12),
    check('forward: the variance is that of the mixture', 3.835, forward.sd ** 2, 1e-12),
    check('forward: no slope by the mean there', 0, slopeOf({ mean: 1e-4, sd: 0 }), 1e-6),
    check('forward: no slope by the deviation there', 0, slopeOf({ mean: 0, sd: 1e-4 }), 1e-6),
    check('reverse: a Gaussian is its own best fit', 0, alone?.klNats ?? NaN, 1e-9),
    check('reverse: far components, the heavier is taken (mean)', 8, heavier?.mean ?? NaN, 1e-3),
    check('reverse: far components, the heavier is taken (deviation)', 0.5, heavier?.sd ?? NaN, 1e-3),
    check('reverse: far components cost -log of the weight', -Math.log(0.7), heavier?.klNats ?? NaN, 1e-6),
    check('reverse: the lighter is a minimum too', -Math.log(0.3), lighter?.klNats ?? NaN, 1e-6),
  ];
}

const LOGITS = [0.3, -1.2, 1.1, 0.4] as const;
const REF_LOGITS = [1, 0.2, -0.5, 0.1] as const;
const SAMPLES = 200_000;

function estimatorChecks(): TheoryCheck[] {
  const [p, ref] = [softmax(LOGITS), softmax(REF_LOGITS)];
  const reverse = reverseKlGradient(p, ref);
  const forward = forwardKlGradient(p, ref);
  const gradients = { k1: p.map(() => 0), k2: reverse, k3: forward };
  const names = { k1: 'zero', k2: 'that of KL(p || ref)', k3: 'that of KL(ref || p)' };
  const kl = klNats(p, ref);
  const sampled = sampledFacts('k3', p, ref, SAMPLES, new Rng('E0'));
  return [
    check('k1 estimates KL(p || ref)', kl, expectedFacts('k1', p, ref).mean, 1e-12),
    check('k3 estimates KL(p || ref)', kl, expectedFacts('k3', p, ref).mean, 1e-12),
    ...ESTIMATORS.map((kind) => {
      const gap = largestGap(expectedFacts(kind, p, ref).gradient, gradients[kind]);
      return check(`the gradient of ${kind} is ${names[kind]}`, 0, gap, 1e-12);
    }),
    ...(['reverse', 'forward'] as const).map((direction) => {
      const analytic = direction === 'reverse' ? reverse : forward;
      const numeric = numericGradient((q) => (direction === 'reverse' ? klNats(q, ref) : klNats(ref, q)));
      return check(`the ${direction} gradient, by finite differences`, 0, largestGap(analytic, numeric), 1e-7);
    }),
    check('k3 from samples', kl, sampled.mean, (4 * sampled.sd) / Math.sqrt(SAMPLES)),
  ];
}

function numericGradient(of: (p: readonly number[]) => number): number[] {
  const nudge = 1e-5;
  return LOGITS.map((_, j) => {
    const at = (sign: number): number => of(softmax(LOGITS.map((logit, i) => logit + (i === j ? sign * nudge : 0))));
    return (at(1) - at(-1)) / (2 * nudge);
  });
}

function tiltChecks(): TheoryCheck[] {
  const ref = [0.5, 0.3, 0.15, 0.05];
  const rewards = [0.6, 0.8, 0.8, 0.2];
  const beta = 0.25;
  const best = tiltedPolicy(ref, rewards, beta);
  const loose = tiltedPolicy(ref, rewards, 1e-3)[1] ?? NaN;
  // The value of the optimal policy is beta log Z.
  const logZ = Math.log(ref.reduce((sum, share, i) => sum + share * Math.exp((rewards[i] ?? 0) / beta), 0));
  return [
    check('the tilted policy is worth beta log Z', beta * logZ, regularisedReward(best, ref, rewards, beta), 1e-12),
    check('a tight leash gives the reference', 0, largestGap(tiltedPolicy(ref, rewards, 1e9), ref), 1e-8),
    check('a loose leash shares among the best as the reference does', 2 / 3, loose, 1e-9),
  ];
}

function largestGap(a: readonly number[], b: readonly number[]): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? NaN))), 0);
}
