/**
 * Distillation as a session runs it: a student learns from a bundled model or from a checkpoint of this browser.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { disposeLabModel, loadLabModel, modelShape } from '../infer/lab-model.ts';
import { readWeights } from '../model/weights.ts';
import type { DistillExperiment } from '../protocol/distill-experiment.ts';
import { curveOfStudent } from '../runs/models/distill-card.ts';
import type { DistillCheckpoint } from '../runs/distill-checkpoint.ts';
import { runDistill } from '../runs/distill-run.ts';
import { newStudent, type PreparedDistill, prepareDistill, type Teacher } from '../runs/distill-task.ts';
import { recordedCompletions } from '../runs/recorded-answers.ts';
import { expectedStep } from '../runs/micro-batches.ts';
import { summariseDistill } from '../runs/run-summary.ts';
import { tooLargeError } from '../runs/run-failures.ts';
import { checkWeightsHash, hashWeights } from '../runs/weights-hash.ts';
import { readKeptStudent, writeKeptStudent } from './kept-student.ts';
import type { ModelFiles } from './model-source.ts';
import { startFiles } from './start-files.ts';
import { predictRun, whyTooLarge } from './run-backend.ts';
import { RunClock } from './run-clock.ts';
import type { FinishedRun, RunHooks, RunKind } from './run-kind.ts';
import type { RunSupplies } from './sft-kind.ts';
import { evaluationEvent, logEvent, singleRunKeeping } from './training-events.ts';

/** The kind under which runs and checkpoints of students are stored. */
export const STUDENT_KIND = 'distill';

/** What a student learns, and from which teacher. */
export interface StudentTask {
  readonly experiment: DistillExperiment;
  readonly teacherUrl: string;
  /** Of the teacher's weights that must be there; null for whichever are. */
  readonly teacherHash: string | null;
  /** The teacher's files. */
  readonly teacher: ModelFiles;
}

/** The student's shape. Students of the page are always new models. */
export function studentShape({ experiment, teacher }: StudentTask): ModelConfig {
  const preset = experiment.student.kind === 'new' ? experiment.student.preset : 'lab-nano';
  return newStudent(preset, { config: modelShape(teacher) });
}

/** The expected step, for timing backends. */
export function studentStep({ distill }: DistillExperiment, model: ModelConfig): StepShape {
  return expectedStep({ ...distill, accumulation: 1 }, model);
}

export function distillKind(
  task: StudentTask,
  saved: DistillCheckpoint | undefined,
  { runId, emit, now, signal, findData }: RunSupplies,
): RunKind<DistillCheckpoint> {
  const { experiment, teacherUrl, teacherHash } = task;
  const { distill } = experiment;
  const student = saved?.student ?? studentShape(task);
  const shape = studentStep(experiment, student);
  const { texts, vectors } = startFiles(task.teacher);
  let teacher: Teacher | undefined;
  let prepared: PreparedDistill | undefined;

  const teaching = async (): Promise<Teacher> => {
    if (teacher !== undefined) return teacher;
    const model = await loadLabModel(task.teacher, 'f32');
    teacher = { model, hash: '' };
    teacher = { model, hash: hashWeights(await readWeights(model.transformer.weights)) };
    checkWeightsHash('teacher', teacherHash, teacher.hash);
    return teacher;
  };
  const ready = async (): Promise<PreparedDistill> =>
    (prepared ??= await prepareDistill(experiment, await teaching(), student, { signal, findData }));

  return {
    kind: STUDENT_KIND,
    name: experiment.name,
    ...singleRunKeeping(emit),
    prepare: async () => {
      const tooLarge = whyTooLarge(student, shape);
      if (tooLarge !== null) throw tooLargeError(tooLarge);
      emit({ kind: 'preparing', stage: 'teacher' });
      await teaching();
      if (prepared === undefined) emit({ kind: 'preparing', stage: 'examples' });
      await ready();
    },
    announce: (from, { rates }) => {
      if (prepared === undefined) return;
      const { dataHash, examples, dev } = prepared;
      const step = from?.state.step ?? 0;
      const { steps, evaluateEvery } = distill;
      emit({
        kind: 'prepared',
        experiment,
        runId,
        dataHash,
        parameters: countParameters(student),
        vocabSize: student.vocabSize,
        trainPairs: examples.length,
        devPairs: dev.length,
        shortened: 0,
        step,
        steps,
        curve: curveOfStudent(from?.curve ?? []),
        predicted: predictRun(student, shape, steps - step, rates, {
          evaluateEvery,
          devPairs: dev.length,
          reasons: true,
          unpreparedPairs: 0,
        }),
      });
    },
    train: async (from, hooks) =>
      train(task, { student, teacher: await teaching(), prepared: await ready() }, from, hooks, { emit, now }),
    leave: () => {
      if (teacher !== undefined) disposeLabModel(teacher.model);
      teacher = undefined;
    },
    stepOf: ({ state }) => state.step,
    finishedAt: ({ state }) => ({ weights: state.weights, tokens: state.tokens.learned + state.tokens.expert }),
    write: (checkpoint) =>
      writeKeptStudent(checkpoint, { teacherUrl, trainPairs: prepared?.examples.length ?? 0, teacher: texts }, vectors),
    read: (bytes) => readKeptStudent(bytes).checkpoint,
    card: async () => {
      const configJson = JSON.stringify({ teacherUrl, experiment });
      const data = experiment.file === undefined ? undefined : await findData(experiment.file);
      return { name: experiment.name, configJson, totalSteps: distill.steps, data };
    },
    summary: (checkpoint) => ({
      ...summariseDistill({
        step: checkpoint?.state.step ?? 0,
        experiment,
        worldHash: checkpoint?.worldHash ?? prepared?.dataHash ?? '',
        teacherHash: checkpoint?.teacherHash ?? teacher?.hash ?? '',
        curve: checkpoint?.curve ?? [],
      }),
      experiment,
      startUrl: teacherUrl,
    }),
    checkpointCard: ({ worldHash }) => ({ worldHash, configJson: JSON.stringify(experiment) }),
  };
}

/** The prepared state of a {@link distillKind}. */
interface ReadyStudent {
  readonly student: ModelConfig;
  readonly teacher: Teacher;
  readonly prepared: PreparedDistill;
}

async function train(
  { experiment }: StudentTask,
  { student, teacher, prepared }: ReadyStudent,
  from: DistillCheckpoint | undefined,
  { signal, beforeStep, afterPass, isSingleStep, onCheckpoint, onCompletions }: RunHooks<DistillCheckpoint>,
  { emit, now }: Pick<RunSupplies, 'emit' | 'now'>,
): Promise<FinishedRun> {
  const learned = from?.state.tokens;
  const clock = new RunClock(now, from?.state.step ?? 0, (learned?.learned ?? 0) + (learned?.expert ?? 0));
  const { weights, tokens } = await runDistill(experiment, prepared, teacher, { config: student }, from, {
    signal,
    untimed: (work) => clock.exclude(work),
    isLogWanted: isSingleStep,
    beforeUpdate: async ({ step, checkpoint, evaluate }) => {
      if (step > 0) await afterPass();
      const evaluateNow = async (): Promise<void> => emit(evaluationEvent(step, false, await evaluate()));
      await clock.exclude(() => beforeStep({ step, checkpoint, evaluate: evaluateNow }));
    },
    onLog: ({ tokens: { learned, expert }, ...entry }) =>
      emit(logEvent({ ...entry, tokens: learned + expert }, experiment.distill.steps, clock)),
    onEvaluate: (step, evaluation) => {
      emit(evaluationEvent(step, true, evaluation));
      onCompletions(
        step,
        recordedCompletions(teacher.model, teacher.model.tokenizer, prepared.dev, evaluation.answers),
      );
    },
    onCheckpoint: (checkpoint) => clock.exclude(() => onCheckpoint(checkpoint)),
  });
  return { weights, tokens: tokens.learned + tokens.expert };
}
