/** Whether something grows: lines through what was measured after the warm-up. */

/** What was measured at one moment, by name, and how much had been done by then. */
export interface Sample {
  readonly minutes: number;
  readonly answers: number;
  readonly steps: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface Slope {
  readonly name: string;
  readonly mean: number;
  readonly perMinute: number;
  /** Per 1,000 answers. */
  readonly perAnswers: number;
  /**
   * Whether it grew by more than the noise of its samples, and by more than a twentieth of itself over the whole time.
   */
  readonly grows: boolean;
}

/** The first part of the time, in which caches fill. */
const WARM_UP_SHARE = 1 / 3;
const LEAST_GROWTH = 0.05;
/** A slope counts as one from this many standard errors on. */
const LEAST_ERRORS = 4;

/** The slopes of all values; empty with fewer than four samples after the warm-up. */
export function slopesOf(samples: readonly Sample[]): Slope[] {
  const last = samples.at(-1)?.minutes ?? 0;
  const warm = samples.filter(({ minutes }) => minutes >= last * WARM_UP_SHARE);
  if (warm.length < 4) return [];
  const minutes = warm.map((sample) => sample.minutes);
  const answers = warm.map((sample) => sample.answers / 1000);
  return Object.keys(warm[0]?.values ?? {}).map((name) => {
    const values = warm.map((sample) => sample.values[name] ?? 0);
    const mean = meanOf(values);
    const { slope, error } = lineThrough(minutes, values);
    const grown = slope * ((minutes.at(-1) ?? 0) - (minutes[0] ?? 0));
    const grows = slope > LEAST_ERRORS * error && grown > LEAST_GROWTH * mean;
    return { name, mean, perMinute: slope, perAnswers: lineThrough(answers, values).slope, grows };
  });
}

function lineThrough(x: readonly number[], y: readonly number[]): { readonly slope: number; readonly error: number } {
  const [mx, my] = [meanOf(x), meanOf(y)];
  const sxx = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  if (sxx === 0) return { slope: 0, error: 0 };
  const slope = x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] ?? 0) - my), 0) / sxx;
  const rest = y.reduce((sum, value, i) => sum + (value - my - slope * ((x[i] ?? 0) - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, x.length - 2) / sxx) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
