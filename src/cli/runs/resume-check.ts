/**
 * Guards the folder of a run: an existing run is not overwritten, and a run is resumed only if it exists. A resumed run
 * keeps its settings; only the number of steps may grow.
 */
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { ALL_MODEL_FILES } from '../../infer/lab-model.ts';
import { type RawSettings, withChanges } from '../config-file.ts';
import { checkOutputFolder, existing } from '../outputs.ts';
import { RUN_FILES } from './run-reader.ts';
import type { ExplicitSetting, SettingOptions } from '../setting-options.ts';
import { note } from '../terminal.ts';

/** The relevant options of a training command. */
interface RunOptions {
  readonly out: string;
  readonly resume?: boolean;
}

/**
 * Checks that a run can be written, before anything is.
 *
 * @param saved - the checkpoint in the folder, if there is one
 * @param inputs - the inputs of the command
 * @throws {LabError} `not-found` if there is nothing to resume; `bad-config` if a run exists and is not to be resumed,
 *   or an input would be replaced
 */
export async function checkRunFolder(
  saved: object | undefined,
  { out, resume = false }: RunOptions,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  if (saved !== undefined && !resume) {
    const fix = 'Resume it with --resume, or name another folder.';
    throw new LabError('bad-config', { message: `${out} already contains a run.`, fix });
  }
  if (saved === undefined) await checkRemains(out, resume);
  await checkOutputFolder(out, RUN_FILES, { inputs, force: true });
  for (const name of ['model', 'best']) {
    await checkOutputFolder(join(out, name), ALL_MODEL_FILES, { inputs, force: true });
  }
}

/** Checks a run folder without a checkpoint. A run that was killed before its first checkpoint can start again. */
async function checkRemains(out: string, resume: boolean): Promise<void> {
  const remains = await existing(out, RUN_FILES);
  const isBegun = remains.length > 0 && !remains.includes('model');
  if (resume && !isBegun) {
    const message = `There is no checkpoint to resume in ${out}.`;
    throw new LabError('not-found', { message, fix: 'Start the run without --resume.' });
  }
  if (resume) note(`The run in ${out} ended before its first checkpoint; it starts again.`);
  else if (remains.length > 0) {
    throw new LabError('bad-config', {
      message: `${out} already contains ${remains.join(', ')}, but no checkpoint.`,
      fix: isBegun ? 'Start that run again with --resume, or name another folder.' : 'Name another folder.',
    });
  }
}

/**
 * The total number of steps of a resumed run.
 *
 * @param saved - the settings of the run
 * @param asked - settings given with --resume; undefined for those left out
 * @param group - the group of settings that has `steps`
 * @param made - steps that the run has made
 * @throws {LabError} `bad-config` for a setting that differs from the run's, or fewer steps than made
 */
export function resumedSteps(saved: object, asked: RawSettings, group: string, made: number): number {
  const changed = changesIn(saved, asked);
  const stepsAt = `${group}.steps`;
  const others = changed.filter(({ path }) => path !== stepsAt);
  if (others.length > 0) {
    throw new LabError('bad-config', {
      message: 'A resumed run keeps its settings.',
      expected: others.map(({ path, was }) => `${path} ${settingText(was)}`).join(', '),
      got: others.map(({ path, wanted }) => `${path} ${settingText(wanted)}`).join(', '),
      fix: 'Leave these out, or start a new run. The number of steps may be raised.',
    });
  }
  const steps = changed.find(({ path }) => path === stepsAt)?.wanted;
  if (typeof steps !== 'number') return (saved as Record<string, { steps: number }>)[group]?.steps ?? made;
  if (steps >= made) return steps;
  throw new LabError('bad-config', {
    message: 'The run has made more steps than requested.',
    expected: `at least ${made} steps`,
    got: `--steps ${steps}`,
  });
}

/** The settings requested with --resume: those of the run, changed by a settings file and then by options. */
export function requestedSettings(
  saved: object,
  file: RawSettings,
  options: SettingOptions,
  explicit: readonly ExplicitSetting[],
  grades: string | undefined,
): RawSettings {
  const changed = merged(saved, grades === undefined ? file : { ...file, data: withChanges(file['data'], { grades }) });
  return options.apply(changed as RawSettings, explicit);
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

/** The settings in `asked` that differ from `saved`. */
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

function settingText(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
