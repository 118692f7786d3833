/**
 * Intervals of means over few seeds, by Student's t distribution (Student 1908).
 */
import { LabError } from './errors.ts';

/** A mean with its 95 % interval; the interval of fewer than two values is unbounded. */
export interface MeanInterval {
  readonly n: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The mean of independent values, and its 95 % confidence interval. */
export function meanInterval(values: readonly number[]): MeanInterval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { n, mean, low: -Infinity, high: Infinity };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(0.975, n - 1) * Math.sqrt(variance / n);
  return { n, mean, low: mean - half, high: mean + half };
}

/**
 * The quantile of Student's t: the value that t is below with probability p. The relative error is below 1e-9 for tails
 * of 1e-12 and more, and 1 to 10 million degrees of freedom.
 *
 * @param p - in (0, 1)
 * @param df - degrees of freedom, at least 1; need not be an integer
 * @throws {LabError} `bad-config` for any other p or df
 */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1 && df >= 1 && Number.isFinite(df))) {
    throw new LabError('bad-config', {
      message: "Student's t has no such quantile.",
      expected: 'a probability between 0 and 1, and at least 1 degree of freedom',
      got: `probability ${p}, ${df} degrees of freedom`,
    });
  }
  const tail = Math.min(p, 1 - p);
  let [low, high] = [0, 1];
  while (upperTail(high, df) > tail) [low, high] = [high, 2 * high];
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (upperTail(middle, df) > tail) low = middle;
    else high = middle;
  }
  return p < 0.5 ? -high : high;
}

/** A difference with its sign, to three decimals. */
export function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;
}

/** P(T > t) for t >= 0: half of I_x(df/2, 1/2) at x = df / (df + t^2) (Abramowitz and Stegun 26.5.27). */
function upperTail(t: number, df: number): number {
  const [x, rest] = [df / (df + t * t), (t * t) / (df + t * t)];
  const [a, b] = [df / 2, 0.5];
  if (rest === 0) return 0.5;
  // x^a (1 - x)^b / B(a, b); log1p preserves the digits of x near 1, where it is for many degrees of freedom.
  const front = Math.exp(-a * Math.log1p((t * t) / df) + b * Math.log(rest) - logBetaHalf(a));
  // The continued fraction converges fast on one side of the mean only; I_x(a, b) = 1 - I_(1-x)(b, a) gives the other.
  return x < (a + 1) / (a + b + 2)
    ? (front * fractionOf(x, a, b)) / a / 2
    : (1 - (front * fractionOf(rest, b, a)) / b) / 2;
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method from the front. */
function fractionOf(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const notZero = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const before = fraction;
    for (const term of [even, odd]) {
      d = 1 / notZero(1 + term * d);
      c = notZero(1 + term / c);
      fraction *= c * d;
    }
    if (Math.abs(fraction - before) <= 1e-16 * Math.abs(fraction)) break;
  }
  return fraction;
}

/** Enough for 10 million degrees of freedom, because the number of terms grows with their square root. */
const MOST_TERMS = 20_000;

/** log B(a, 1/2), as log Gamma(1/2) minus the growth of log Gamma from a to a + 1/2. */
function logBetaHalf(a: number): number {
  let growth = 0;
  let z = a;
  for (; z < 12; z++) growth += Math.log(z / (z + 0.5)); // Gamma(z + 1) = z Gamma(z)
  // The difference of two of Stirling's formulas; each is so large that subtracting them would lose digits.
  growth += z * Math.log1p(0.5 / z) + 0.5 * Math.log(z) - 0.5 + stirlingSeries(z + 0.5) - stirlingSeries(z);
  return 0.5 * Math.log(Math.PI) - growth;
}

/** The terms that Stirling's formula for log Gamma(z) leaves out (DLMF 5.11.1). */
function stirlingSeries(z: number): number {
  const inverse = 1 / (z * z);
  return (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z;
}
