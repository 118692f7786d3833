/**
 * The share of the gap between a student without a teacher and the teacher that a student closes.
 */
import type { ExperimentResults } from '../protocol/experiment-results.ts';
import { fourDecimals, metricBySeed } from './findings.ts';

/** The two ends of the gap, as names of arms. */
export interface Gap {
  /** The student without a teacher. */
  readonly floor: string;
  readonly ceiling: string;
}

/** With a smaller gap in accuracy, a share of it is meaningless. */
const LEAST_GAP = 0.01;

/** Adds to every run the share of the accuracy gap that it closes, relative to the floor of the same seed. */
export function withGapClosed(arms: ExperimentResults['arms'], { floor, ceiling }: Gap): ExperimentResults['arms'] {
  const [low, high] = [floor, ceiling].map((name) => metricBySeed(arms, name, 'accuracy'));
  return arms.map(({ name, seeds }) => ({
    name,
    seeds: seeds.map((result) => {
      const [from, to, accuracy] = [low?.get(result.seed), high?.get(result.seed), result.metrics.accuracy ?? null];
      if (from === undefined || to === undefined || accuracy === null || to - from < LEAST_GAP) return result;
      return { ...result, metrics: { ...result.metrics, gapClosed: fourDecimals((accuracy - from) / (to - from)) } };
    }),
  }));
}
