/**
 * The three estimators of KL(p || ref) from samples of p, and their gradients as losses. Over a few outcomes all
 * expectations are sums, so common beliefs can be checked exactly: k1 has zero gradient in expectation, k2 has the
 * gradient of the reverse divergence KL(p || ref), and k3 that of the *forward* divergence KL(ref || p).
 *
 *     k1 = log(p / ref)     k2 = 1/2 log(p / ref)^2     k3 = ref/p - log(ref/p) - 1
 *
 * Gradients are with respect to the logits of p, as a trainer takes them: through log p at the sampled outcome, with
 * the sample fixed.
 */
import type { Rng } from './rng.ts';

export const ESTIMATORS = ['k1', 'k2', 'k3'] as const;
export type Estimator = (typeof ESTIMATORS)[number];

/** Statistics of an estimator under p: its value, and its gradient as a loss. */
export interface EstimatorFacts {
  readonly mean: number;
  /** Of a single sample. */
  readonly sd: number;
  /** One entry per outcome. */
  readonly gradient: readonly number[];
}

/** The probabilities of logits. */
export function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** KL(p || q) in nats, for distributions over the same outcomes. */
export function klNats(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, i) => (share === 0 ? sum : sum + share * Math.log(share / (q[i] ?? 0))), 0);
}

/** The gradient of KL(p || ref) with respect to the logits of p: p (log(p / ref) - KL). */
export function reverseKlGradient(p: readonly number[], ref: readonly number[]): number[] {
  const kl = klNats(p, ref);
  return p.map((share, i) => share * (Math.log(share / (ref[i] ?? 0)) - kl));
}

/** The gradient of KL(ref || p) with respect to the logits of p: p - ref. */
export function forwardKlGradient(p: readonly number[], ref: readonly number[]): number[] {
  return p.map((share, i) => share - (ref[i] ?? 0));
}

/** The exact expectations of an estimator under p. */
export function expectedFacts(kind: Estimator, p: readonly number[], ref: readonly number[]): EstimatorFacts {
  return factsUnder(kind, p, p, ref);
}

/** The same statistics from samples of p, as a trainer estimates them. */
export function sampledFacts(
  kind: Estimator,
  p: readonly number[],
  ref: readonly number[],
  samples: number,
  rng: Rng,
): EstimatorFacts {
  const counts = p.map(() => 0);
  for (let i = 0; i < samples; i++) {
    const drawn = drawFrom(p, rng);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  const shares = counts.map((count) => count / samples);
  return factsUnder(kind, shares, p, ref);
}

/** @param shares - the frequency of each outcome */
function factsUnder(
  kind: Estimator,
  shares: readonly number[],
  p: readonly number[],
  ref: readonly number[],
): EstimatorFacts {
  const terms = p.map((probability, i) => termOf(kind, probability, ref[i] ?? 0));
  const mean = shares.reduce((sum, share, i) => sum + share * (terms[i]?.value ?? 0), 0);
  const square = shares.reduce((sum, share, i) => sum + share * (terms[i]?.value ?? 0) ** 2, 0);
  // d log p(x) / d logit_j is 1 - p_j for j = x, and -p_j otherwise.
  const slope = shares.reduce((sum, share, i) => sum + share * (terms[i]?.slope ?? 0), 0);
  const gradient = p.map((probability, j) => (shares[j] ?? 0) * (terms[j]?.slope ?? 0) - probability * slope);
  return { mean, sd: Math.sqrt(Math.max(0, square - mean * mean)), gradient };
}

/** The value at an outcome and its derivative with respect to log p. */
function termOf(kind: Estimator, p: number, ref: number): { readonly value: number; readonly slope: number } {
  const gap = Math.log(p / ref);
  switch (kind) {
    case 'k1':
      return { value: gap, slope: 1 };
    case 'k2':
      return { value: 0.5 * gap * gap, slope: gap };
    case 'k3':
      return { value: ref / p + gap - 1, slope: 1 - ref / p };
    default:
      return kind satisfies never;
  }
}

function drawFrom(p: readonly number[], rng: Rng): number {
  let left = rng.next();
  for (const [i, share] of p.entries()) {
    left -= share;
    if (left < 0) return i;
  }
  return p.length - 1;
}
