/**
 * The learning rate over a run: linear warm-up, then half a cosine down to a floor.
 */

/** A learning-rate schedule; steps count optimizer updates from 0. */
export interface Schedule {
  readonly peakLearningRate: number;
  /** Steps of linear increase from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** The final rate as a share of the peak. */
  readonly finalFraction: number;
}

/** The learning rate of one step. The first step is not 0 but peak / warmupSteps. */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { peakLearningRate, warmupSteps, totalSteps, finalFraction } = schedule;
  if (step < warmupSteps) return (peakLearningRate * (step + 1)) / warmupSteps;
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return peakLearningRate * (finalFraction + (1 - finalFraction) * cosine);
}
