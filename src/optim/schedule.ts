/**
 * The learning rate over a run: linear warm-up, then half a cosine down to a floor.
 */

/** A schedule; steps count optimizer updates from 0. */
export interface Schedule {
  readonly peakLearningRate: number;
  /** Steps of linear rise from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** The rate at the end as a share of the peak. */
  readonly finalFraction: number;
}

/** The learning rate of one step. The first step already moves: it gets peak / warmupSteps. */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { peakLearningRate, warmupSteps, totalSteps, finalFraction } = schedule;
  if (step < warmupSteps) return (peakLearningRate * (step + 1)) / warmupSteps;
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return peakLearningRate * (finalFraction + (1 - finalFraction) * cosine);
}
