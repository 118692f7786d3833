/**
 * The settings of `lab distill`: a settings file overridden by the given options, or the options and their defaults.
 */
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { leafAt } from '../../config/setting-values.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import type { TaskFile } from '../../protocol/task-file.ts';
import { instructionHash, parseInstruction } from '../../relevance/rules/instruction.ts';
import type { DistillCheckpoint } from '../../runs/distill-checkpoint.ts';
import type { TrainedStudent } from '../../runs/distill-run.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import { type RawSettings, readConfigFile, withChanges } from '../config-file.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { type DescribedModel, gradesOf, namesOf, splitOf, taskOf } from './learned-task.ts';
import { requestedSettings, resumedSteps } from './resume-check.ts';
import { DISTILL_OPTIONS, METHOD_SETTINGS, type MethodName } from './run-options.ts';

/** The options that decide settings without being one. */
export interface DistillSettingOptions {
  readonly config?: string;
  readonly data?: readonly string[];
  readonly task?: string;
  readonly grade?: string | undefined;
  readonly method?: MethodName;
}

const OTHER_TASK = 'Use a teacher that "npm run lab -- sft --task" has made of this task.';

/** The settings of the run, with more steps if they are requested. @throws {LabError} `bad-config` */
export async function resumedSettings(
  { experiment, state }: DistillCheckpoint,
  options: DistillSettingOptions,
  chosen: readonly ExplicitSetting[],
  task: TaskFile | undefined,
): Promise<DistillExperiment> {
  const { method } = options;
  const settings = await readSettings(options);
  const grades = gradesOf(options, task);
  const asked = {
    ...settings,
    ...(grades === undefined ? {} : { file: withChanges(settings['file'], { grades }) }),
    ...(method === undefined ? {} : { distill: withChanges(settings['distill'], { method: startOf(method) }) }),
  };
  const requested = requestedSettings(experiment, asked, DISTILL_OPTIONS, chosen, undefined);
  const steps = resumedSteps(experiment, requested, 'distill', state.step);
  return { ...experiment, distill: { ...experiment.distill, steps } };
}

/** The settings file changed by the options. @throws {LabError} `bad-config` */
export async function experimentOf(
  options: Pick<DistillSettingOptions, 'method' | 'config'>,
  chosen: readonly ExplicitSetting[],
  given: TrainedStudent | undefined,
  file: RawSettings | undefined,
): Promise<DistillExperiment> {
  const { method, config } = options;
  const { student, distill, file: before, ...rest } = await readSettings(options);
  const steps = chosen.find(({ field }) => field.path === 'distill.steps')?.value ?? leafAt(distill, 'steps') ?? 500;
  const usual = {
    method: startOf(method ?? 'jsd'),
    warmupSteps: Math.min(50, Math.ceil(Number(steps) / 10)),
    evaluateEvery: 100,
    checkpointEvery: 50,
  };
  const asked = {
    ...rest,
    student: given === undefined ? (student ?? { kind: 'new' }) : { kind: 'trained', hash: hashWeights(given.weights) },
    distill: withChanges(usual, { ...(distill as RawSettings | undefined), ...(method && { method: usual.method }) }),
    ...(file === undefined ? {} : { file: withChanges(before, file) }),
  };
  const isOfStudent = ({ field }: ExplicitSetting): boolean => given === undefined || field.path !== 'student.preset';
  const settings = DISTILL_OPTIONS.apply(asked, chosen.filter(isOfStudent));
  return parseConfig(config ?? 'The settings', DistillExperimentSchema, settings);
}

/** The settings file. @throws {LabError} `bad-config` naming the setting */
async function readSettings({ config }: Pick<DistillSettingOptions, 'config'>): Promise<RawSettings> {
  if (config === undefined) return {};
  const settings = await readConfigFile(config, '{"distill": {"steps": 500}}');
  parseConfig(config, DistillExperimentSchema, settings);
  return settings;
}

/** The task of the options. @throws {LabError} `bad-config` where the teacher has learned another one, or other rules */
export async function taskOfTeacher(
  options: DistillSettingOptions,
  teacher: DescribedModel,
): Promise<TaskFile | undefined> {
  const task = await taskOf(options, teacher, OTHER_TASK);
  if (task?.rules === undefined) return task;
  const { instruction } = teacher.lab;
  const [expected, got] = [
    instruction === null ? 'none' : instructionHash(parseInstruction(instruction)),
    instructionHash(task.rules),
  ];
  if (expected === got) return task;
  throw new LabError('bad-config', {
    message: `${teacher.card.name} has learned other rules than those of ${options.task ?? 'the task'}.`,
    expected: `the instruction ${expected}`,
    got,
    fix: OTHER_TASK,
  });
}

/** The file that a student learns from, split as in the training of its teacher. */
export function fileOf(given: DataSet, teacher: DescribedModel, grades: string | undefined): RawSettings {
  const named = { ...splitOf(teacher), ...namesOf(given) };
  return grades === undefined ? named : { ...named, grades };
}

/** The initial settings of a method. */
function startOf(method: MethodName): RawSettings {
  return method === 'on-policy' ? { kind: 'jsd', studentShare: 0.5 } : { kind: method };
}

/** @throws {LabError} `bad-config` for a setting that belongs to another method */
export function checkMethod({ method = 'jsd' }: DistillSettingOptions, chosen: readonly ExplicitSetting[]): void {
  const group = 'distill.method.';
  const names = chosen.flatMap(({ field }) => (field.path.startsWith(group) ? [field.path.slice(group.length)] : []));
  if (names.includes('kind')) return; // --set chooses the method
  const own: readonly string[] = METHOD_SETTINGS[method];
  const foreign = names.filter((name) => !own.includes(name)).map(flagOf);
  if (foreign.length === 0) return;
  throw new LabError('bad-config', {
    message: `The method ${method} has no ${foreign.join(' and no ')}.`,
    expected: own.length === 0 ? 'no such option' : `only ${own.map(flagOf).join(', ')}`,
    fix: 'Leave it out, or choose another --method.',
  });
}

/** The flag of a setting: `--student-share` of `studentShare`. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
}
