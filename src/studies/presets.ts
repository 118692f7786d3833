/**
 * The lab's own experiments as presets of the page: their arms as queued runs, each with every seed. What the page
 * cannot make says where it is made.
 *
 * A recipe trains a start for each seed; the page begins all seeds with the start, or the teacher, that it comes with.
 * So its intervals are over the runs from one start, and say less than those of the command line.
 */
import { LabError } from '../common/errors.ts';
import { checkSweep, parseSeeds } from '../config/swept-settings.ts';
import type { Preset, PresetRequest } from '../protocol/runs.ts';
import { MAX_RUN_NAME_LENGTH, type RunDescription, type TrackedRun } from '../protocol/tracked-run.ts';
import { ALL_RECIPES } from './all-recipes.ts';
import { describeQueued, queuedRuns } from './queued-runs.ts';
import type { Arm, Recipe } from './recipes.ts';

/** Experiments without runs that a page could queue, and where they are made instead. */
const ELSEWHERE: readonly Preset[] = [
  ['E0', 'Forward and reverse KL, estimators and the aim of a leashed reward', 'Computed, not trained: at the end of the Collapse view.'], // prettier-ignore
  ['E9', 'PIAR: refining an instruction by its errors', 'Trains nothing: "npm run lab -- piar-experiment".'],
  ['E10', 'Labels and the evidence that is cited for them', 'Asks trained models: "npm run lab -- experiment E10".'],
  ['E11', 'What is left to learn when evidence cannot be false', 'Takes folders of judged pairs: "npm run lab -- experiment E11".'], // prettier-ignore
].map(([id = '', title = '', instead = '']) => ({ id, title, question: '', arms: [], instead }));

/** All experiments, in the order of their numbers. */
export function presets(): Preset[] {
  const recipes = ALL_RECIPES.map((recipe): Preset => {
    const { id, title, question } = recipe;
    const arms = queuedArms(recipe).map(({ name }) => name);
    const instead =
      arms.length > 0 ? null : `Its arms are runs of the command line alone: "npm run lab -- experiment ${id}".`;
    return { id, title, question, arms, instead };
  });
  return [...recipes, ...ELSEWHERE].toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
}

/**
 * The runs of some arms of an experiment, in the order in which they will be made: all arms of the first seed first.
 *
 * @param firstPlace - the place in the queue of the first run
 * @throws {LabError} `bad-config` naming the arm or the setting
 */
export function presetRuns({ id, arms, seeds, steps, watch = null }: PresetRequest, firstPlace: number): TrackedRun[] {
  const recipe = ALL_RECIPES.find((one) => one.id === id);
  const known = recipe === undefined ? [] : queuedArms(recipe);
  const chosen = arms.map((name) => {
    const arm = known.find((one) => one.name === name);
    if (arm !== undefined) return arm;
    throw new LabError('bad-config', {
      message: `The experiment ${id} has no such arm to queue.`,
      expected: known.length === 0 ? 'another experiment' : known.map((one) => one.name).join('; '),
      got: name,
    });
  });
  const numbers = parseSeeds(seeds);
  checkSweep([{ path: 'arm', values: arms }], numbers);
  const runs = numbers.flatMap((seed) => chosen.map((arm) => describeArm(arm, seed, steps)));
  return queuedRuns(runs, firstPlace, watch).map((run) => ({ ...run, tags: [id] }));
}

/** The arms that are runs of a kind that the page queues. */
function queuedArms({ arms }: Recipe): Arm[] {
  return arms.filter(({ run }) => run.kind === 'grpo' || run.kind === 'distill');
}

function describeArm({ name: armName, run }: Arm, seed: number, steps: number | null): RunDescription {
  const name = armName.slice(0, MAX_RUN_NAME_LENGTH);
  switch (run.kind) {
    case 'grpo': {
      const grpo = shortened(run.settings.grpo, seed, steps);
      return describeQueued(armName, run.kind, { ...run.settings, name, grpo });
    }
    case 'distill': {
      const distill = shortened(run.settings.distill, seed, steps);
      return describeQueued(armName, run.kind, { ...run.settings, name, distill });
    }
    case 'start':
    case 'teacher':
    case 'order':
      throw new LabError('internal', { message: `The arm ${armName} is no run of the page.` });
    default:
      return run satisfies never;
  }
}

/** The settings of a trainer with a seed and, for a quick look, other steps. */
function shortened(settings: object | undefined, seed: number, steps: number | null): object {
  if (steps === null) return { ...settings, seed };
  return { ...settings, seed, steps };
}
