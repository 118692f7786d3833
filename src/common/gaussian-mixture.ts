/**
 * Fits one Gaussian to a mixture by either direction of the Kullback-Leibler divergence: the smallest illustration of
 * why supervised learning covers modes and reinforcement learning seeks them. Forward, KL(p || q), has its minimum at
 * the mean and variance of the mixture. Reverse, KL(q || p), has no closed form and often several minima, each near one
 * component; they are found by natural gradient descent from every component and from the forward fit.
 */

/** One component, or the fitted Gaussian. */
export interface Gaussian {
  readonly mean: number;
  readonly sd: number;
}

/** Weights need not add up to 1. */
export interface Component extends Gaussian {
  readonly weight: number;
}

/** A fitted Gaussian with its divergence in nats. */
export interface GaussianFit extends Gaussian {
  readonly klNats: number;
}

/** Nodes for expectations under a Gaussian: the trapezoid rule in units of its sd, with an error below 1e-12 here. */
const REACH = 8;
const NODES = 161;
const SPACING = (2 * REACH) / (NODES - 1);
const QUADRATURE: readonly { readonly z: number; readonly share: number }[] = Array.from({ length: NODES }, (_, i) => {
  const z = -REACH + i * SPACING;
  return { z, share: (SPACING * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI) };
});

/** The density of a mixture. */
export function density(mixture: readonly Component[], x: number): number {
  return Math.exp(logDensity(mixture, x));
}

/** The log-density of a mixture; finite at any distance. */
export function logDensity(mixture: readonly Component[], x: number): number {
  const logs = logParts(mixture, x);
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
}

/** The minimum of KL(p || q): the mean and the variance of the mixture. */
export function forwardFit(mixture: readonly Component[]): GaussianFit {
  const total = totalWeight(mixture);
  const mean = mixture.reduce((sum, part) => sum + part.weight * part.mean, 0) / total;
  const square = mixture.reduce((sum, part) => sum + part.weight * (part.sd ** 2 + part.mean ** 2), 0) / total;
  const fit = { mean, sd: Math.sqrt(square - mean * mean) };
  return { ...fit, klNats: forwardKl(mixture, fit) };
}

/** All minima of KL(q || p) found, lowest first. */
export function reverseFits(mixture: readonly Component[]): GaussianFit[] {
  const starts: Gaussian[] = [...mixture.filter(({ weight }) => weight > 0), forwardFit(mixture)];
  const minima: GaussianFit[] = [];
  for (const start of starts) {
    const found = descend(mixture, start);
    const isNew = minima.every(({ mean, sd }) => Math.abs(mean - found.mean) + Math.abs(sd - found.sd) > 0.01);
    if (isNew) minima.push(found);
  }
  return minima.toSorted((a, b) => a.klNats - b.klNats);
}

/** KL(q || p) of a Gaussian to a mixture, in nats. */
export function reverseKl(mixture: readonly Component[], q: Gaussian): number {
  const entropy = 0.5 * Math.log(2 * Math.PI * Math.E * q.sd * q.sd);
  return -entropy - expectation(q, (x) => logDensity(mixture, x));
}

/** KL(p || q) of a mixture to a Gaussian, in nats. */
export function forwardKl(mixture: readonly Component[], q: Gaussian): number {
  const total = totalWeight(mixture);
  const single = [{ ...q, weight: 1 }];
  return mixture.reduce((sum, part) => {
    const gap = expectation(part, (x) => logDensity(mixture, x) - logDensity(single, x));
    return sum + (part.weight / total) * gap;
  }, 0);
}

/** The mean of a function under a Gaussian. */
export function expectation({ mean, sd }: Gaussian, of: (x: number, z: number) => number): number {
  return QUADRATURE.reduce((sum, { z, share }) => sum + share * of(mean + sd * z, z), 0);
}

const MAX_STEPS = 400;
const GRADIENT_TOLERANCE = 1e-9;

/** Natural gradient descent: the Fisher metric of a Gaussian divides by 1/sd^2 for the mean and by 2 for log sd. */
function descend(mixture: readonly Component[], start: Gaussian): GaussianFit {
  let at: GaussianFit = { mean: start.mean, sd: start.sd, klNats: reverseKl(mixture, start) };
  let stride = 1;
  for (let step = 0; step < MAX_STEPS && stride > 1e-6; step++) {
    const { mean, sd } = at;
    const byMean = sd * sd * expectation(at, (x) => score(mixture, x));
    const byLogSd = 0.5 * (1 + sd * expectation(at, (x, z) => z * score(mixture, x)));
    if (Math.abs(byMean) / sd + Math.abs(byLogSd) < GRADIENT_TOLERANCE) break;
    const q = { mean: mean + stride * byMean, sd: sd * Math.exp(stride * byLogSd) };
    const klNats = reverseKl(mixture, q);
    if (klNats < at.klNats) {
      at = { ...q, klNats };
      stride = Math.min(1, 1.5 * stride);
    } else {
      stride *= 0.5;
    }
  }
  return at;
}

/** The derivative of the log-density. */
function score(mixture: readonly Component[], x: number): number {
  const logs = logParts(mixture, x);
  const highest = Math.max(...logs);
  let [weights, slope] = [0, 0];
  for (const [i, { mean, sd }] of mixture.entries()) {
    const weight = Math.exp((logs[i] ?? -Infinity) - highest);
    weights += weight;
    slope += (weight * (mean - x)) / (sd * sd);
  }
  return slope / weights;
}

function logParts(mixture: readonly Component[], x: number): number[] {
  const total = totalWeight(mixture);
  return mixture.map(({ weight, mean, sd }) => {
    return Math.log(weight / total) - 0.5 * ((x - mean) / sd) ** 2 - Math.log(sd * Math.sqrt(2 * Math.PI));
  });
}

function totalWeight(mixture: readonly Component[]): number {
  return mixture.reduce((sum, { weight }) => sum + weight, 0);
}
