/**
 * Findings: differences between arms paired by seed, what they decide, and the format of numbers in reports.
 */
import * as v from 'valibot';
import { SEEDS_FOR_A_CLAIM } from '../protocol/experiment-results.ts';
import { type MeanInterval, meanInterval, signed } from '../common/student-t.ts';

/** Results by arm and seed, for any metrics. */
type Seed = { readonly seed: number; readonly metrics: Readonly<Partial<Record<string, number | null>>> };
type ArmSeeds = readonly { readonly name: string; readonly seeds: readonly Seed[] }[];

/** A metric of an arm by seed, for the seeds that have it. */
export function metricBySeed(arms: ArmSeeds, name: string, metric: string): ReadonlyMap<number, number> {
  const seeds = arms.find((arm) => arm.name === name)?.seeds ?? [];
  return new Map(
    seeds.flatMap(({ seed, metrics }): [number, number][] => {
      const value = metrics[metric] ?? null;
      return value === null ? [] : [[seed, value]];
    }),
  );
}

/** A metric of an arm over its seeds; undefined if no seed has it. */
export function metricMean({ seeds }: ArmSeeds[number], metric: string): MeanInterval | undefined {
  const values = seeds.flatMap(({ metrics }) => metrics[metric] ?? []);
  return values.length === 0 ? undefined : meanInterval(values);
}

/** A mean with half the width of its interval; empty without one. */
export function meanText(interval: MeanInterval | undefined): string {
  if (interval === undefined) return '';
  const digits = Math.abs(interval.mean) >= 10 ? 1 : 3;
  const half = (interval.high - interval.low) / 2;
  const mean = interval.mean.toFixed(digits);
  return Number.isFinite(half) && half > 0 ? `${mean} ± ${half.toFixed(digits)}` : mean;
}

/** `values - base`, for the seeds of both. */
export function pairedDifferences(values: ReadonlyMap<number, number>, base: ReadonlyMap<number, number>): number[] {
  return [...values].flatMap(([seed, value]) => {
    const other = base.get(seed);
    return other === undefined ? [] : [value - other];
  });
}

/** The decision on a claim that differences are above 0, or below it. */
export const DecisionSchema = v.strictObject({
  n: v.number(),
  mean: v.number(),
  /** The 95 % interval over seeds (Student's t); null with fewer than two seeds. */
  low: v.nullable(v.number()),
  high: v.nullable(v.number()),
  outcome: v.picklist(['supported', 'refuted', 'undecided', 'preliminary']),
});
type Decision = v.InferOutput<typeof DecisionSchema>;

/** Decides a claim from one or more differences. */
export function decide(differences: readonly number[], expected: 'higher' | 'lower' = 'higher'): Decision {
  const { n, mean, low, high } = meanInterval(differences);
  const outcome = n < SEEDS_FOR_A_CLAIM ? 'preliminary' : outcomeOf(low, high, expected);
  return { n, mean: fourDecimals(mean), low: rounded(low), high: rounded(high), outcome };
}

/** The decision from the interval of a difference. */
export function outcomeOf(low: number, high: number, expected = 'higher'): 'supported' | 'refuted' | 'undecided' {
  if (low > 0) return expected === 'higher' ? 'supported' : 'refuted';
  if (high < 0) return expected === 'lower' ? 'supported' : 'refuted';
  return 'undecided';
}

/** A finding as a sentence. @param what - the quantity, before its number */
export function findingSentence(
  claim: string,
  { n, mean, low, high, outcome }: Omit<Decision, 'n'> & { readonly n?: number },
  what = '',
): string {
  const interval = low === null || high === null ? '' : `, 95 %: ${signedInterval(low, high)}`;
  const seeds = n === undefined ? '' : `, n = ${n}`;
  return `${claim}: ${outcome} (${what}${signed(mean)}${interval}${seeds}).`;
}

/** The interval of a difference, or that it is unknown. */
export function signedInterval(low: number | null, high: number | null): string {
  const isKnown = low !== null && high !== null && Number.isFinite(low) && Number.isFinite(high);
  return isKnown ? `${signed(low)} to ${signed(high)}` : 'unknown';
}

/** A value that may be unknown, with an interval that may be unknown. */
type Measured = { readonly [Name in 'low' | 'high']?: number | null | undefined } & { readonly value: number | null };
const bound = v.optional(v.number());
/** A measured value in a results file. */
export const MeasuredSchema = v.strictObject({ value: v.nullable(v.number()), low: bound, high: bound });
/** A count in a results file. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A measured value to three decimals, with its interval. */
export function measuredText({ value, low, high }: Measured, show: (value: number) => string = threeDecimals): string {
  if (value === null) return 'none';
  return typeof low === 'number' && typeof high === 'number'
    ? `${show(value)} (${show(low)} to ${show(high)})`
    : show(value);
}

/** A number to three decimals, or that there is none. */
export function threeDecimals(value: number | null): string {
  return value === null ? 'none' : value.toFixed(3);
}

/** A number as results files store it, because more decimals are noise. */
export function fourDecimals(value: number): number {
  return Number(value.toFixed(4));
}

/** The same for a number that may be unknown or infinite, which becomes null. */
export function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : fourDecimals(value);
}
