/**
 * The runs of a distillation experiment: the teacher is measured once; every student is trained, resumed where it was
 * interrupted, or read if it is finished.
 */
import { join } from 'node:path';
import { parseConfig } from '../../config/parse.ts';
import { readDistillCheckpoint, writeDistillCheckpoint } from '../../runs/distill-checkpoint.ts';
import { measureStudent, runDistill } from '../../runs/distill-run.ts';
import { describeDistill } from '../../runs/run-summary.ts';
import { newStudent, prepareDistill, type Teacher } from '../../runs/distill-task.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { NO_TOKENS, seedResult, studentResult } from '../../studies/recipe-results.ts';
import type { StudentSettings } from '../../studies/recipes.ts';
import { disposeLabModel } from '../../infer/lab-model.ts';
import { disposeWeights, loadWeights } from '../../model/weights.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import type { SeedResult } from '../../protocol/experiment-results.ts';
import { PolicyMeasuresSchema } from '../../protocol/policy-measures.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { measuredOnce } from '../runs/read-files.ts';
import { distillRunFolder } from '../runs/run-folder.ts';
import { type ExperimentContext, trainedOnce, withSeed } from './experiment-context.ts';
import { keepIn, readTeacher } from '../runs/teacher-model.ts';
import { Progress } from '../terminal.ts';

/** The teacher on the test split; the same for every seed, because there is one teacher. */
export async function teacherResult(seed: number, context: ExperimentContext): Promise<SeedResult> {
  const { root, testPairs } = context;
  return withTeacher(context, async (teacher) => {
    const { distill, world } = parseConfig('The teacher', DistillExperimentSchema, {});
    const name = `test-${testPairs}-${teacher.hash}`;
    const test = await measuredOnce(join(root, 'teachers'), name, PolicyMeasuresSchema.entries.heldOut, () => {
      const pairs = heldOutPairs(makeRuleWorld(world), 'test', testPairs);
      return measureStudent(teacher.model.transformer, teacher, distill, pairs);
    });
    return seedResult(seed, [], test, NO_TOKENS);
  });
}

/**
 * The result of one student for one seed, made unless it is stored.
 *
 * @returns undefined if another process works on it
 * @throws {LabError} `aborted`
 */
export async function studentOf(
  name: string,
  { distill, ...rest }: StudentSettings,
  seed: number,
  context: ExperimentContext,
): Promise<SeedResult | undefined> {
  const settings = { ...rest, distill: withSeed(distill, seed, context) };
  const experiment = parseConfig('The arm', DistillExperimentSchema, settings);
  const run = { title: `${name}, seed ${seed}`, steps: experiment.distill.steps };
  return withTeacher(context, (teacher) => {
    const folder = distillRunFolder(context.root, experiment, teacher.hash);
    return trainedOnce(folder, run, context, async (onStep) => {
      const bytes = await folder.readCheckpointBytes();
      return finishStudent(
        experiment,
        teacher,
        context,
        bytes === undefined ? undefined : readDistillCheckpoint(bytes),
        {
          onLog: ({ step, lossNats }) => onStep(step, `loss ${lossNats.toFixed(3)}`),
          onCheckpoint: (checkpoint) =>
            folder.writeCheckpointBytes(describeDistill(checkpoint), writeDistillCheckpoint(checkpoint)),
        },
      );
    });
  });
}

/** Trains from the last checkpoint, or from new weights, to the end. */
async function finishStudent(
  experiment: DistillExperiment,
  teacher: Teacher,
  { root, signal, testPairs }: ExperimentContext,
  saved: Parameters<typeof runDistill>[4],
  hooks: Parameters<typeof runDistill>[5],
): Promise<SeedResult> {
  const preset = experiment.student.kind === 'new' ? experiment.student.preset : 'lab-nano';
  const config = newStudent(preset, teacher.model.transformer);
  const writing = new Progress('Completions of the teacher');
  const prepared = await prepareDistill(experiment, teacher, config, {
    keep: keepIn(join(root, 'teachers')),
    signal,
    onCompleted: (done, total) => writing.update(done, total),
  });
  writing.end();
  const finished = await runDistill(experiment, prepared, teacher, { config }, saved, { ...hooks, signal });

  // The test split is read here, once per finished run.
  const student = { config, weights: loadWeights(config, finished.weights) };
  try {
    const pairs = heldOutPairs(prepared.world ?? makeRuleWorld(experiment.world), 'test', testPairs);
    const test = await measureStudent(student, teacher, experiment.distill, pairs);
    return studentResult(experiment.distill.seed, finished.curve, test, finished.tokens);
  } finally {
    disposeWeights(student.weights);
  }
}

async function withTeacher<T>({ teacherFolder }: ExperimentContext, use: (teacher: Teacher) => Promise<T>): Promise<T> {
  const teacher = await readTeacher(teacherFolder);
  try {
    return await use(teacher);
  } finally {
    disposeLabModel(teacher.model);
  }
}
