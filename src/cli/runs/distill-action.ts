/**
 * The action of `lab distill`.
 */
import { join } from 'node:path';
import type { DistillConfig } from '../../config/distill-config.ts';
import { countParameters, type ModelConfig } from '../../config/model-config.ts';
import { parseConfig } from '../../config/parse.ts';
import { makeStudentCard, describeMethod } from '../../runs/models/distill-card.ts';
import {
  type DistillCheckpoint,
  readDistillCheckpoint,
  writeDistillCheckpoint,
} from '../../runs/distill-checkpoint.ts';
import { checkedStudent, type DistillHooks, type FinishedDistill, runDistill } from '../../runs/distill-run.ts';
import { newStudent, prepareDistill } from '../../runs/distill-task.ts';
import { makeFileLabFile, makeLabFile, plainScale } from '../../runs/models/lab-file.ts';
import { recordedCompletions } from '../../runs/recorded-answers.ts';
import { describeDistill } from '../../runs/run-summary.ts';
import { trainWatched } from '../../runs/run-watch.ts';
import type { StoredDtype } from '../../config/stored.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import { interruption } from '../interruption.ts';
import { describeModel, readModelFiles, writeModelFolder } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import {
  checkMethod,
  type DistillSettingOptions,
  experimentOf,
  fileOf,
  resumedSettings,
  taskOfTeacher,
} from './distill-settings.ts';
import { gradesOf } from './learned-task.ts';
import { checkRunFolder } from './resume-check.ts';
import { dataMissing } from './supervised-run.ts';
import { RunFolder } from './run-folder.ts';
import { watchIn, withRule, type WatchOptions } from './run-watcher.ts';
import { endAt, noteEarlyEnd, type RunEnd, writeModels } from './run-end.ts';
import { DISTILL_OPTIONS } from './run-options.ts';
import { RunLog } from './run-log.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { loadStartModel } from './start-model.ts';
import { keepIn, loadTeacher } from './teacher-model.ts';
import { note, print, Progress, valueText } from '../terminal.ts';

export interface DistillOptions extends DistillSettingOptions, Omit<ReadingOptions, 'queries'>, WatchOptions {
  readonly out: string;
  readonly teacher: string;
  readonly student?: string;
  readonly dtype: StoredDtype;
  readonly backend: BackendChoice;
  readonly resume?: boolean;
}

export async function runDistillCommand(options: DistillOptions, chosen: readonly ExplicitSetting[]): Promise<void> {
  const watch = watchIn('distill', options);
  const bytes = await new RunFolder(options.out).readCheckpointBytes();
  const { data, docs, config: settings, task } = options;
  await checkRunFolder(bytes, options, [options.teacher, options.student, settings, ...(data ?? []), docs, task]);
  const saved = bytes === undefined ? undefined : readDistillCheckpoint(bytes);
  const teacherFiles = await readModelFiles(options.teacher);
  const described = describeModel(teacherFiles);
  const own = await taskOfTeacher(options, described);
  const resumed = saved === undefined ? undefined : await resumedSettings(saved, options, chosen, own);
  if (resumed === undefined) checkMethod(options, chosen);
  const pairs = data === undefined ? undefined : await readDataFiles(data, { ...options, queries: undefined });
  const studentFiles = options.student === undefined ? undefined : await readModelFiles(options.student);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);

  const teacher = await loadTeacher(teacherFiles);
  const given =
    studentFiles === undefined || saved !== undefined
      ? undefined
      : checkedStudent(await loadStartModel(studentFiles), teacher);
  const file = pairs && fileOf(pairs, described, gradesOf(options, own));
  const experiment = resumed ?? (await experimentOf(options, chosen, given, file));
  const { student: origin } = experiment;
  const config =
    saved?.student ??
    given?.config ??
    newStudent(origin.kind === 'new' ? origin.preset : 'lab-nano', teacher.model.transformer);
  note(
    `${teacher.model.card.name} (${parametersOf(teacher.model.transformer.config)}, weights ${teacher.hash}) teaches ` +
      `${experiment.name} (${parametersOf(config)}): ${describeMethod(experiment.distill)}.`,
  );
  const writing = new Progress('Completions of the teacher');
  const prepared = await prepareDistill(experiment, teacher, config, {
    findData: (file) => (pairs === undefined ? Promise.reject(dataMissing(file)) : Promise.resolve(pairs)),
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
  const runFolder = new RunFolder(options.out);
  await runFolder.begin(saved?.state.step ?? 0, watch);
  const hooks: DistillHooks = {
    ...hooksOf(experiment, log, signal),
    onEvaluate: (step, { answers }) => {
      runFolder.measured(step, recordedCompletions(teacher.model, teacher.model.tokenizer, prepared.dev, answers));
    },
  };
  const { steps } = experiment.distill;
  const ended = await trainWatched<DistillCheckpoint, EndedDistill>(saved && { ...saved, experiment }, {
    train: async (onCheckpoint) => {
      const wanted = { ...hooks, onCheckpoint };
      return { ...(await runDistill(experiment, prepared, teacher, student, saved, wanted)), step: steps };
    },
    keep: keepCheckpoint(runFolder, signal),
    endsAt: (checkpoint) => runFolder.endsAt(describeDistill(checkpoint)),
    finishedAt: endAt,
  });
  noteEarlyEnd(ended, steps);
  note(`Weights ${hashWeights(ended.weights)}.`);
  const { dtype } = options;
  const { tokenizer, prompt, vectors } = teacher.model;
  const write = (folder: string, finished: EndedDistill): Promise<void> => {
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
    const { world, rules } = prepared;
    const lab =
      world === undefined
        ? {
            ...makeFileLabFile(rules, prompt, teacher.model.scale),
            otherScales: teacher.model.otherScales.map(plainScale),
          }
        : makeLabFile(world, prompt);
    return writeModelFolder(folder, {
      config,
      weights: finished.weights,
      dtype,
      tokenizer,
      lab,
      card: withRule(card, runFolder.watch),
      vectors: vectors?.file,
    });
  };
  print(await writeModels(runFolder, ended, { endIn: (bytes) => endAt(readDistillCheckpoint(bytes)), write }));
}

/** What a run has come to, after some of its updates. */
type EndedDistill = FinishedDistill & RunEnd;

function keepCheckpoint(folder: RunFolder, signal: AbortSignal): (checkpoint: DistillCheckpoint) => Promise<void> {
  return async (checkpoint) => {
    await folder.writeCheckpointBytes(describeDistill(checkpoint), writeDistillCheckpoint(checkpoint));
    if (signal.aborted) note(`Saved after ${checkpoint.state.step} updates; continue with --resume.`);
  };
}

function hooksOf({ distill }: DistillExperiment, log: RunLog, signal: AbortSignal): DistillHooks {
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
        `Step ${step}: held-out accuracy ${valueText(accuracy)}, macro-F1 ${valueText(macroF1)}, tail recall ${valueText(tailRecall)}, ` +
          `strict reward ${valueText(strictReward)}.`,
      );
      log.add(step, { heldOut });
    },
  };
}

function parametersOf(config: ModelConfig): string {
  return `${(countParameters(config) / 1e6).toFixed(2)} M parameters`;
}

/** The command that reproduces a student. */
function commandOf({ teacher, student }: DistillOptions, experiment: DistillExperiment): string {
  const { name, queries, world, file, distill, student: origin } = experiment;
  const { kind } = distill.method;
  const plain = {
    student: origin,
    distill: {
      method: { kind },
      warmupSteps: Math.min(50, Math.ceil(distill.steps / 10)),
      evaluateEvery: 100,
      checkpointEvery: 50,
    },
  };
  return [
    `npm run lab -- distill --teacher ${teacher} --name ${name}`,
    origin.kind === 'new' ? `--preset ${origin.preset}` : `--student ${student ?? 'FOLDER'}`,
    ...methodFlags(distill),
    ...(distill.decoding === 'free' ? [] : [`--decoding ${distill.decoding}`]),
    `--queries ${queries} --steps ${distill.steps} --batch ${distill.batchSize} --lr ${distill.learningRate}`,
    ...(distill.precision === 'f32' ? [] : [`--precision ${distill.precision}`]),
    `--seed ${distill.seed} ${file === undefined ? `--world-seed ${world.seed}` : `--data ${file.name}`}`,
    ...(file === undefined || file.grades === '' ? [] : [`--grade "${file.grades}"`]),
    ...DISTILL_OPTIONS.unflagged(parseConfig('The settings', DistillExperimentSchema, plain), experiment),
    `--out runs/${name}`,
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
      const isOnPolicy = method.studentShare > 0;
      const share = isOnPolicy ? [`--student-share ${method.studentShare}`] : [];
      const name = isOnPolicy ? 'on-policy' : 'jsd';
      return [`--method ${name} --beta ${method.beta} --completions ${method.completions}`, ...share, ...beside];
    }
    default:
      return method satisfies never;
  }
}
