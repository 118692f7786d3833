/**
 * `lab distill`: trains a small model on what a larger one says, resumable, and a model folder at the end.
 */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import type { DistillConfig } from '../config/distill-config.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { makeStudentCard, spokenMethod } from '../runs/distill-card.ts';
import { type DistillCheckpoint, readDistillCheckpoint, writeDistillCheckpoint } from '../runs/distill-checkpoint.ts';
import { checkedStudent, type DistillHooks, runDistill, type TrainedStudent } from '../runs/distill-run.ts';
import { newStudent, prepareDistill } from '../runs/distill-task.ts';
import { makeLabFile } from '../runs/lab-file.ts';
import { STORED_DTYPES, type StoredDtype } from '../runs/model-files.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { interruption } from './interruption.ts';
import { readModelFiles, writeModelFolder } from './model-folder.ts';
import { writeWhole } from './outputs.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import {
  backendOption,
  DEFAULT_MODEL_FOLDER,
  notNegativeNumber,
  positiveNumber,
  trainingPrecisionOption,
  wholeNumber,
} from './options.ts';
import { checkRunFolder, resumedSteps } from './resume-check.ts';
import { RunFolder } from './run-folder.ts';
import { RunLog } from './run-log.ts';
import { loadStartModel } from './start-model.ts';
import { checkpointPath } from './supervised-run.ts';
import { keepIn, loadTeacher } from './teacher-model.ts';
import { note, print, Progress, said } from './terminal.ts';

/** The methods by name; on-policy is the JSD with a share of the student's own completions. */
const METHODS = ['hard-label', 'trace', 'label-kd', 'jsd', 'on-policy', 'expert'] as const;
type MethodName = (typeof METHODS)[number];

/** The options that each has. */
const METHOD_SETTINGS: Readonly<Record<MethodName, readonly string[]>> = {
  'hard-label': [],
  trace: ['minReward'],
  'label-kd': ['temperature'],
  jsd: ['beta', 'completions'],
  'on-policy': ['beta', 'completions', 'studentShare'],
  expert: [],
};

interface DistillOptions {
  readonly out: string;
  readonly teacher: string;
  readonly name: string;
  readonly preset: (typeof PRESET_NAMES)[number];
  readonly student?: string;
  readonly method: MethodName;
  readonly temperature?: number;
  readonly beta?: number;
  readonly completions?: 'expert' | 'teacher';
  readonly studentShare?: number;
  readonly minReward?: number;
  readonly expertWeight: number;
  readonly precision?: TrainingPrecision;
  readonly queries: number;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  readonly worldSeed: number;
  readonly dtype: StoredDtype;
  readonly backend: BackendName;
  readonly resume?: boolean;
}

export function distillCommand(): Command {
  return new Command('distill')
    .description('train a small model (student) on what a larger one (teacher) says')
    .requiredOption('-o, --out <folder>', 'where the run is kept: checkpoint and, at the end, the model folder')
    .option('--teacher <folder>', 'the model folder of the teacher', DEFAULT_MODEL_FOLDER)
    .option('--name <name>', 'the name of the student', 'student')
    .addOption(new Option('--preset <name>', 'the shape of a new student').choices(PRESET_NAMES).default('lab-nano'))
    .option('--student <folder>', "a trained model that learns on; it must have the teacher's tokenizer")
    .addOption(new Option('--method <name>', 'what the student learns from').choices(METHODS).default('jsd'))
    .option('--temperature <x>', 'label-kd: softens both label distributions (default: 2)', positiveNumber)
    .option(
      '--beta <x>',
      'jsd, on-policy: 0 is KL(teacher || student), 1 the reverse (default: 0.5)',
      notNegativeNumber,
    )
    .addOption(
      new Option('--completions <whose>', 'jsd, on-policy: on whose completions (default: expert)').choices([
        'expert',
        'teacher',
      ]),
    )
    .option(
      '--student-share <x>',
      'on-policy: updates on own completions, in the second half (default: 0.5)',
      positiveNumber,
    )
    .option(
      '--min-reward <x>',
      "trace: the least strict reward of the teacher's completions (default: 0.75)",
      notNegativeNumber,
    )
    .option(
      '--expert-weight <x>',
      "weight of the expert's completions beside the teacher (mode balance)",
      notNegativeNumber,
      0,
    )
    .option('--queries <n>', 'training queries, six pairs each', wholeNumber(1), 1500)
    .option('--steps <n>', 'optimizer updates', wholeNumber(1), 500)
    .option('--batch <n>', 'pairs per update', wholeNumber(1), 64)
    .option('--lr <x>', 'peak learning rate', positiveNumber, 3e-3)
    .addOption(trainingPrecisionOption())
    .option('--seed <n>', 'seed of weights, data order and own completions', wholeNumber(0), 1)
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .addOption(new Option('--dtype <type>', 'how the student is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its settings, but may be given more --steps')
    .addHelpText(
      'after',
      `
Methods:
  hard-label  the teacher's label as a token
  trace       the teacher's label and reasoning, where they earn enough of the strict reward
  label-kd    the teacher's distribution of the label, at a temperature
  jsd         the teacher's distribution at every token of given completions (GKD)
  on-policy   the same, partly on completions that the student writes itself
  expert      no teacher: the expert's completions, to compare with

Examples:
  npm run lab -- distill --out runs/student
  npm run lab -- distill --teacher runs/large/model --method label-kd --temperature 3 --out runs/kd
  npm run lab -- distill --out runs/student --resume
  npm run lab -- eval --model runs/student/model`,
    )
    .action(runCommand);
}

async function runCommand(options: DistillOptions, command: Command): Promise<void> {
  const bytes = await new RunFolder(options.out).readCheckpointBytes();
  await checkRunFolder(bytes, options, [options.teacher, options.student]);
  const saved = bytes === undefined ? undefined : readDistillCheckpoint(bytes);
  const resumed = saved === undefined ? undefined : resumedSettings(saved, options, command);
  methodOf(options);
  const teacherFiles = await readModelFiles(options.teacher);
  const studentFiles = options.student === undefined ? undefined : await readModelFiles(options.student);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);

  const teacher = await loadTeacher(teacherFiles);
  const given =
    studentFiles === undefined || saved !== undefined
      ? undefined
      : checkedStudent(loadStartModel(studentFiles), teacher);
  const experiment = resumed ?? experimentOf(options, given);
  const config = saved?.student ?? given?.config ?? newStudent(options.preset, teacher.model.transformer);
  note(
    `${teacher.model.card.name} (${parametersOf(teacher.model.transformer.config)}, weights ${teacher.hash}) teaches ` +
      `${experiment.name} (${parametersOf(config)}): ${spokenMethod(experiment.distill)}.`,
  );
  const writing = new Progress('Completions of the teacher');
  const prepared = await prepareDistill(experiment, teacher, config, {
    keep: keepIn(options.out),
    signal,
    onCompleted: (done, total) => writing.update(done, total),
  });
  writing.end();
  note(
    `${prepared.examples.length.toLocaleString('en')} of ${prepared.pairs.toLocaleString('en')} pairs to learn from.`,
  );

  const student = { config, ...(given === undefined ? {} : { weights: given.weights }) };
  const log = await RunLog.open(join(options.out, 'log.jsonl'), saved?.state.step ?? 0);
  const hooks = hooksOf(options.out, experiment, log, signal);
  const finished = await runDistill(experiment, prepared, teacher, student, saved, hooks);
  note(`Weights ${hashWeights(finished.weights)}.`);
  const folder = join(options.out, 'model');
  const { dtype } = options;
  const card = makeStudentCard(experiment, {
    teacher,
    student: config,
    prepared,
    finished,
    command: commandOf(options, experiment),
    dtype,
    device: `${opened.backend}, ${opened.device}`,
    date: new Date().toISOString().slice(0, 10),
  });
  const { tokenizer, prompt } = teacher.model;
  const lab = makeLabFile(prepared.world, prompt);
  await writeModelFolder(folder, { config, weights: finished.weights, dtype, tokenizer, lab, card });
  print(folder);
}

function hooksOf(out: string, { distill }: DistillExperiment, log: RunLog, signal: AbortSignal): DistillHooks {
  const asking = new Progress('Answers of the teacher');
  const progress = new Progress('Steps');
  return {
    signal,
    onAsked: (done, total) => {
      asking.update(done, total);
      if (done === total) asking.end();
    },
    onLog: (entry) => {
      progress.update(entry.step, distill.steps, `loss ${entry.lossNats.toFixed(3)} nats`);
      log.add(entry.step, entry);
    },
    onMeasure: ({ step, heldOut }) => {
      const { accuracy, macroF1, tailRecall, strictReward } = heldOut;
      note(
        `Step ${step}: held-out accuracy ${said(accuracy)}, macro-F1 ${said(macroF1)}, tail recall ${said(tailRecall)}, ` +
          `strict reward ${said(strictReward)}.`,
      );
      log.add(step, { heldOut });
    },
    onCheckpoint: async (checkpoint) => {
      await writeWhole(checkpointPath(out), writeDistillCheckpoint(checkpoint));
      if (signal.aborted) note(`Saved after ${checkpoint.state.step} updates; --resume goes on from there.`);
    },
  };
}

/** The run's own settings, with the number of steps raised if that was asked for. @throws {LabError} `bad-config` */
function resumedSettings(
  { experiment, state }: DistillCheckpoint,
  options: DistillOptions,
  command: Command,
): DistillExperiment {
  const said = <Name extends keyof DistillOptions>(name: Name): DistillOptions[Name] | undefined =>
    command.getOptionValueSource(name) === 'cli' ? options[name] : undefined;
  const { temperature, beta, completions, studentShare, minReward } = options;
  const asked = {
    name: said('name'),
    student: { preset: said('preset') },
    world: { seed: said('worldSeed') },
    queries: said('queries'),
    distill: {
      method: {
        ...(said('method') === undefined ? {} : methodOf(options)),
        temperature,
        beta,
        completions,
        studentShare,
        minReward,
      },
      expertWeight: said('expertWeight'),
      steps: said('steps'),
      batchSize: said('batch'),
      learningRate: said('lr'),
      precision: said('precision'),
      seed: said('seed'),
    },
  };
  const steps = resumedSteps(experiment, asked, 'distill', state.step);
  return { ...experiment, distill: { ...experiment.distill, steps } };
}

/** @throws {LabError} `bad-config` */
function experimentOf(options: DistillOptions, given: TrainedStudent | undefined): DistillExperiment {
  const {
    name,
    preset,
    worldSeed,
    queries,
    steps,
    batch: batchSize,
    lr: learningRate,
    seed,
    expertWeight,
    precision,
  } = options;
  return parseConfig('The settings', DistillExperimentSchema, {
    name,
    student: given === undefined ? { kind: 'new', preset } : { kind: 'trained', hash: hashWeights(given.weights) },
    world: { seed: worldSeed },
    queries,
    distill: {
      method: methodOf(options),
      expertWeight,
      steps,
      batchSize,
      learningRate,
      precision,
      seed,
      warmupSteps: Math.min(50, Math.ceil(steps / 10)),
      evaluateEvery: 100,
      checkpointEvery: 50,
    },
  });
}

/**
 * The method with the settings that were given.
 *
 * @throws {LabError} `bad-config` for a setting of another method
 */
function methodOf(options: DistillOptions): object {
  const { method, temperature, beta, completions, studentShare, minReward } = options;
  const all = { temperature, beta, completions, studentShare, minReward };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const own: readonly string[] = METHOD_SETTINGS[method];
  const foreign = given.filter(([name]) => !own.includes(name)).map(([name]) => flagOf(name));
  if (foreign.length > 0) {
    throw new LabError('bad-config', {
      message: `The method ${method} has no ${foreign.join(' and no ')}.`,
      expected: own.length === 0 ? 'no such option' : `only ${own.map(flagOf).join(', ')}`,
      fix: 'Leave it out, or choose another --method.',
    });
  }
  const settings = Object.fromEntries(given);
  return method === 'on-policy' ? { kind: 'jsd', studentShare: 0.5, ...settings } : { kind: method, ...settings };
}

/** `studentShare` as it is typed. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
}

function parametersOf(config: ModelConfig): string {
  return `${(countParameters(config) / 1e6).toFixed(2)} M parameters`;
}

/** The command that makes a student again. */
function commandOf({ teacher, student, preset }: DistillOptions, experiment: DistillExperiment): string {
  const { name, queries, world, distill } = experiment;
  return [
    `npm run lab -- distill --teacher ${teacher} --name ${name}`,
    student === undefined ? `--preset ${preset}` : `--student ${student}`,
    ...methodFlags(distill),
    `--queries ${queries} --steps ${distill.steps} --batch ${distill.batchSize} --lr ${distill.learningRate}`,
    ...(distill.precision === 'f32' ? [] : [`--precision ${distill.precision}`]),
    `--seed ${distill.seed} --world-seed ${world.seed} --out runs/${name}`,
  ].join(' ');
}

function methodFlags({ method, expertWeight }: DistillConfig): string[] {
  const beside = expertWeight > 0 ? [`--expert-weight ${expertWeight}`] : [];
  switch (method.kind) {
    case 'expert':
    case 'hard-label':
      return [`--method ${method.kind}`, ...beside];
    case 'trace':
      return [`--method trace --min-reward ${method.minReward}`, ...beside];
    case 'label-kd':
      return [`--method label-kd --temperature ${method.temperature}`, ...beside];
    case 'jsd': {
      const own = method.studentShare > 0;
      const share = own ? [`--student-share ${method.studentShare}`] : [];
      const name = own ? 'on-policy' : 'jsd';
      return [`--method ${name} --beta ${method.beta} --completions ${method.completions}`, ...share, ...beside];
    }
    default:
      return method satisfies never;
  }
}
