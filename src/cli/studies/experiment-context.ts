/**
 * What all runs of an experiment share, and the way each of them is made once.
 */
import { type MetricName, type SeedResult, SeedResultSchema } from '../../protocol/experiment-results.ts';
import type { RunFolder } from '../runs/run-folder.ts';
import { note, Progress } from '../terminal.ts';
import type { StudySession } from './study.ts';

/** Pairs of the test split that a finished run is measured on. */
export const TEST_PAIRS = 600;

/** What all runs of an experiment share. */
export interface ExperimentContext extends StudySession {
  /** The folder of all runs. */
  readonly root: string;
  /** Pairs of the test split that a finished run is measured on. */
  readonly testPairs: number;
  /** Replaces the steps of every arm, for a quick look. */
  readonly steps?: number | undefined;
  /** Returns the model folder that the runs of a seed start from. */
  readonly startFolder: (seed: number) => Promise<string>;
  /** The model folder of the teacher of all students. */
  readonly teacherFolder: string;
}

/** The settings of a trainer with the seed of a run, and the steps of a quick look. */
export function withSeed(
  settings: object | undefined,
  seed: number,
  { steps }: Pick<ExperimentContext, 'steps'>,
): object {
  return { ...settings, ...(steps === undefined ? {} : { steps }), seed };
}

/**
 * The result of a run in its folder, made unless it is stored.
 *
 * @param train - trains, measures the test split once, and reports each step
 * @returns undefined if another process works on the run
 */
export function trainedOnce(
  folder: RunFolder,
  { title, steps }: { readonly title: string; readonly steps: number },
  context: ExperimentContext,
  train: (onStep: (step: number, more: string) => void) => Promise<SeedResult>,
): Promise<SeedResult | undefined> {
  return folder.once(SeedResultSchema, context, async () => {
    const progress = new Progress(title);
    const result = await train((step, more) => progress.update(step, steps, more));
    progress.end();
    note(`${title}: ${headline(result)}.`);
    return result;
  });
}

const HEADLINE = [
  ['reward', 'reward'],
  ['accuracy', 'accuracy'],
  ['tailRecall', 'tail recall'],
  ['tokensToLabel', 'tokens to the label'],
] as const satisfies readonly (readonly [MetricName, string])[];

function headline({ metrics }: SeedResult): string {
  const parts = HEADLINE.flatMap(([name, text]) => {
    const value = metrics[name];
    return value === null || value === undefined ? [] : [`${text} ${value.toFixed(3)}`];
  });
  return [...parts, ...(metrics.collapsed === 1 ? ['collapsed'] : [])].join(', ');
}
