/**
 * Whether a run begins or is resumed must be said: neither is a run that is there begun anew over itself, nor is one that is
 * not there resumed. A resumed run keeps its settings; only the number of steps may grow.
 */
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { MODEL_FILES } from '../infer/lab-model.ts';
import { type RawSettings, withChanges } from './config-file.ts';
import { checkOutputFolder, existing } from './outputs.ts';
import type { SaidSetting, SettingOptions } from './setting-options.ts';
import { note } from './terminal.ts';

/** What a run writes into its folder. */
const RUN_FILES = ['checkpoint.safetensors', 'experiment.json', 'log.jsonl', 'steps.jsonl', 'curve.jsonl', 'model'];

/** The options of a command that trains. */
interface RunOptions {
  readonly out: string;
  readonly resume?: boolean;
}

/**
 * Checks that a run can be written, before anything is.
 *
 * @param saved - the checkpoint in the folder, if there is one
 * @param inputs - what the command reads
 * @throws {LabError} `not-found` if there is nothing to resume; `bad-config` if a run is there and was not to be resumed, or
 *   would replace an input
 */
export async function checkRunFolder(
  saved: object | undefined,
  { out, resume = false }: RunOptions,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  if (saved !== undefined && !resume) {
    const fix = 'Go on with it by --resume, or name another folder.';
    throw new LabError('bad-config', { message: `There is a run in ${out} already.`, fix });
  }
  if (saved === undefined) await checkRemains(out, resume);
  await checkOutputFolder(out, RUN_FILES, { inputs, force: true });
  await checkOutputFolder(join(out, 'model'), MODEL_FILES, { inputs, force: true });
}

/** What is in the folder of a run that has no checkpoint. A run that was killed before its first one can begin again. */
async function checkRemains(out: string, resume: boolean): Promise<void> {
  const remains = await existing(out, RUN_FILES);
  const isBegun = remains.length > 0 && !remains.includes('model');
  if (resume && !isBegun) {
    const message = `There is no checkpoint to resume in ${out}.`;
    throw new LabError('not-found', { message, fix: 'Start the run without --resume.' });
  }
  if (resume) note(`The run in ${out} ended before its first checkpoint; it begins again.`);
  else if (remains.length > 0) {
    throw new LabError('bad-config', {
      message: `There is ${remains.join(', ')} in ${out} already, and no checkpoint.`,
      fix: isBegun ? 'Begin that run again by --resume, or name another folder.' : 'Name another folder.',
    });
  }
}

/**
 * The steps that a resumed run goes on to.
 *
 * @param saved - the settings of the run
 * @param asked - settings that were given along with --resume, undefined left out
 * @param group - where `steps` stands in both
 * @param made - steps that the run has made
 * @throws {LabError} `bad-config` for a setting that is not that of the run, and for fewer steps than were made
 */
export function resumedSteps(saved: object, asked: RawSettings, group: string, made: number): number {
  const changed = changesIn(saved, asked);
  const stepsAt = `${group}.steps`;
  const others = changed.filter(({ path }) => path !== stepsAt);
  if (others.length > 0) {
    throw new LabError('bad-config', {
      message: 'A resumed run keeps its settings.',
      expected: others.map(({ path, was }) => `${path} ${spoken(was)}`).join(', '),
      got: others.map(({ path, wanted }) => `${path} ${spoken(wanted)}`).join(', '),
      fix: 'Leave these out, or begin a new run. The number of steps may be raised.',
    });
  }
  const steps = changed.find(({ path }) => path === stepsAt)?.wanted;
  if (typeof steps !== 'number') return (saved as Record<string, { steps: number }>)[group]?.steps ?? made;
  if (steps >= made) return steps;
  throw new LabError('bad-config', {
    message: 'The run is further than it is to go.',
    expected: `at least the ${made} steps that it has made`,
    got: `--steps ${steps}`,
  });
}

/** What is asked of a run that is resumed: its own settings, changed by a file of settings and then by options. */
export function askedAgain(
  saved: object,
  file: RawSettings,
  options: SettingOptions,
  said: readonly SaidSetting[],
  grades: string | undefined,
): RawSettings {
  const changed = merged(saved, grades === undefined ? file : { ...file, data: withChanges(file['data'], { grades }) });
  return options.apply(changed as RawSettings, said);
}

function merged(saved: unknown, asked: unknown): unknown {
  if (asked === undefined) return saved;
  if (!isGroup(saved) || !isGroup(asked)) return asked;
  return {
    ...saved,
    ...Object.fromEntries(Object.entries(asked).map(([key, value]) => [key, merged(saved[key], value)])),
  };
}

interface Change {
  readonly path: string;
  readonly was: unknown;
  readonly wanted: unknown;
}

/** The settings in `asked` that are others in `saved`. */
function changesIn(saved: unknown, asked: unknown, path = ''): Change[] {
  if (asked === undefined) return [];
  if (!isGroup(asked)) {
    return JSON.stringify(saved) === JSON.stringify(asked) ? [] : [{ path, was: saved, wanted: asked }];
  }
  return Object.entries(asked).flatMap(([key, value]) => {
    const inside = isGroup(saved) ? saved[key] : undefined;
    return changesIn(inside, value, path === '' ? key : `${path}.${key}`);
  });
}

function isGroup(value: unknown): value is RawSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function spoken(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
