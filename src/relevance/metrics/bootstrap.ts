/**
 * Confidence intervals of metrics: the percentile bootstrap (Efron 1979) over queries. Documents of one query are not
 * independent, so whole queries are resampled, with replacement.
 */
import { LabError } from '../../common/errors.ts';
import type { Rng } from '../../common/rng.ts';

/** Options of the bootstrap. */
export interface BootstrapOptions {
  /** Coverage of the interval. Default 0.95. */
  readonly level?: number;
  /** Default 1000. */
  readonly resamples?: number;
}

/** An interval of a metric. `measured` counts the resamples on which the metric had a value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly measured: number;
}

/**
 * The interval of `metric` over resampled queries. Equal states of `rng` give equal intervals.
 *
 * @param queries - one list of items per query.
 * @param metric - a pure function of such lists; null where it is undefined. A query drawn twice is passed twice.
 * @throws {LabError} `bad-shape` without queries or with unusable options; `not-finite` if no resample has a value.
 */
export function bootstrapInterval<T>(
  queries: readonly (readonly T[])[],
  metric: (sample: readonly (readonly T[])[]) => number | null,
  rng: Rng,
  options: BootstrapOptions = {},
): Interval {
  return bootstrapPlaces(
    queries.length,
    (places) => metric(Array.from(places, (place) => queries[place] ?? [])),
    rng,
    options,
  );
}

/**
 * {@link bootstrapInterval} by the places of the queries that are drawn, for metrics that are sums: a file has very
 * many queries, and lists of them cost more than the sums.
 *
 * @param count - of queries
 * @param metric - must not keep the places, which are drawn anew
 */
export function bootstrapPlaces(
  count: number,
  metric: (places: Int32Array) => number | null,
  rng: Rng,
  { level = 0.95, resamples = 1000 }: BootstrapOptions = {},
): Interval {
  if (count === 0 || !(level > 0 && level < 1) || !(resamples >= 1)) {
    throw new LabError('bad-shape', {
      message: 'bootstrapInterval: cannot resample.',
      expected: 'at least one query and one resample, and a level between 0 and 1',
      got: `${count} queries, ${resamples} resamples, level ${level}`,
    });
  }
  const values: number[] = [];
  const places = new Int32Array(count);
  for (let i = 0; i < resamples; i++) {
    for (let j = 0; j < count; j++) places[j] = rng.int(count);
    const value = metric(places);
    if (value !== null) values.push(value);
  }
  if (values.length === 0 || values.some(Number.isNaN)) {
    const message = 'bootstrapInterval: the metric has no value.';
    const got = values.length === 0 ? 'null on every resample' : 'NaN';
    throw new LabError('not-finite', { message, expected: 'a number on some resample', got });
  }
  values.sort((a, b) => a - b);
  const tail = (1 - level) / 2;
  return { low: quantile(values, tail), high: quantile(values, 1 - tail), level, measured: values.length };
}

/** The q-quantile of sorted values, linear between neighbours (NumPy's default). */
function quantile(sorted: readonly number[], q: number): number {
  const place = q * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}
