/**
 * How far a student went from what it would be without its teacher to what the teacher is.
 */
import type { ExperimentResults } from '../protocol/experiment-results.ts';

/** The two ends of the way, as names of arms. */
export interface Gap {
  /** The student without a teacher. */
  readonly floor: string;
  readonly ceiling: string;
}

type Arms = ExperimentResults['arms'];

/** With less between the ends than this, in accuracy, a share of it says nothing. */
const LEAST_GAP = 0.01;

/** Adds to every run the share of the gap in accuracy that it closes, against the floor of the same seed. */
export function withGapClosed(arms: Arms, { floor, ceiling }: Gap): Arms {
  const [low, high] = [accuracies(arms, floor), accuracies(arms, ceiling)];
  return arms.map(({ name, seeds }) => ({
    name,
    seeds: seeds.map((result) => {
      const [from, to] = [low.get(result.seed), high.get(result.seed)];
      const { accuracy } = result.metrics;
      if (from === undefined || to === undefined || typeof accuracy !== 'number' || to - from < LEAST_GAP)
        return result;
      const gapClosed = Number(((accuracy - from) / (to - from)).toFixed(4));
      return { ...result, metrics: { ...result.metrics, gapClosed } };
    }),
  }));
}

/** Accuracy by seed. */
function accuracies(arms: Arms, name: string): ReadonlyMap<number, number> {
  const seeds = arms.find((arm) => arm.name === name)?.seeds ?? [];
  return new Map(
    seeds.flatMap(({ seed, metrics }): [number, number][] => {
      const { accuracy } = metrics;
      return typeof accuracy === 'number' ? [[seed, accuracy]] : [];
    }),
  );
}
