/**
 * The rule by which a run ends early, and which of its checkpoints is the best, in the page and on the command line.
 * Both follow from curve and settings alone, so a run that was interrupted ends where an uninterrupted one does.
 */
import { isLowerBetter, type RunPoint, type RunSummary, type RunWatch } from '../protocol/tracked-run.ts';

/** A value of a metric after a step. */
interface Measured {
  readonly step: number;
  readonly value: number;
}

/** The best measurement, the first of equal ones; undefined if the metric was not measured. */
export function bestPoint({ metric }: Pick<RunWatch, 'metric'>, curve: readonly RunPoint[]): Measured | undefined {
  const sign = isLowerBetter(metric) ? -1 : 1;
  const measured = measuredIn(metric, curve);
  return measured.reduce<Measured | undefined>(
    (best, point) => (best === undefined || sign * point.value > sign * best.value ? point : best),
    undefined,
  );
}

/** Whether the last measurements, as many as the patience, are all no better than the best before them. */
export function isExhausted({ metric, patience }: RunWatch, curve: readonly RunPoint[]): boolean {
  const measured = measuredIn(metric, curve);
  if (patience === 0 || measured.length <= patience) return false;
  const best = bestPoint({ metric }, curve);
  return measured.slice(-patience).every(({ step }) => step !== best?.step);
}

/** What the rule reads of a run at one of its checkpoints. */
type Watched = Pick<RunSummary, 'kind' | 'step' | 'steps' | 'settings' | 'curve'>;

/**
 * Whether a run ends at this checkpoint. Checkpoints that only a stop has made are left out, because an uninterrupted
 * run does not have them.
 */
export function endsAt(watch: RunWatch | null, run: Watched): boolean {
  return watch !== null && run.step < run.steps && isRegular(run, run.step) && isExhausted(watch, run.curve);
}

/** The best of the checkpoints so far, the first of equal ones; undefined if none of them was measured. */
export function bestCheckpoint(watch: Pick<RunWatch, 'metric'>, run: Watched): Measured | undefined {
  const { curve } = run;
  return bestPoint(
    watch,
    curve.filter(({ step }) => isRegular(run, step)),
  );
}

/** Whether an uninterrupted run has a checkpoint after this step. */
function isRegular({ kind, steps, settings }: Watched, step: number): boolean {
  const every = settings[`${kind}.checkpointEvery`];
  return step > 0 && (step === steps || (typeof every === 'number' && step % every === 0));
}

/** A run as its rule sees it. */
export interface WatchedTraining<Checkpoint, Finished> {
  readonly train: (onCheckpoint: (checkpoint: Checkpoint) => Promise<void>) => Promise<Finished>;
  /** Stores a checkpoint. */
  readonly keep: (checkpoint: Checkpoint) => Promise<void>;
  readonly endsAt: (checkpoint: Checkpoint) => boolean;
  /** What the run has come to if it ends at a checkpoint. */
  readonly finishedAt: (checkpoint: Checkpoint) => Finished;
}

/** Trains to the last step, or to the checkpoint at which the rule ends the run. @param from - the one it resumes from */
export async function trainWatched<Checkpoint, Finished>(
  from: Checkpoint | undefined,
  run: WatchedTraining<Checkpoint, Finished>,
): Promise<Finished> {
  // A run may have been killed between the checkpoint that ends it and its end.
  if (from !== undefined && run.endsAt(from)) return run.finishedAt(from);
  let endedAt: Checkpoint | undefined;
  try {
    return await run.train(async (checkpoint) => {
      await run.keep(checkpoint);
      if (!run.endsAt(checkpoint)) return;
      endedAt = checkpoint;
      throw new EndedEarly();
    });
  } catch (thrown) {
    if (!(thrown instanceof EndedEarly) || endedAt === undefined) throw thrown;
    return run.finishedAt(endedAt);
  }
}

/** Leaves the loop of a run that its rule ends. */
class EndedEarly extends Error {}

function measuredIn(metric: string, curve: readonly RunPoint[]): Measured[] {
  return curve.flatMap(({ step, measures }) => {
    const value = measures[metric] ?? null;
    return value === null ? [] : [{ step, value }];
  });
}
