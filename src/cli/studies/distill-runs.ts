/**
 * The runs of an experiment on distillation: the teacher is measured once, and every student is trained, goes on where it
 * was interrupted, or is read where it is finished.
 */
import { join } from 'node:path';
import { parseConfig } from '../../config/parse.ts';
import { readDistillCheckpoint, writeDistillCheckpoint } from '../../runs/distill-checkpoint.ts';
import { measureStudent, runDistill } from '../../runs/distill-run.ts';
import { newStudent, prepareDistill, type Teacher } from '../../runs/distill-task.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { seedResult, studentResult } from '../../studies/recipe-results.ts';
import type { StudentSettings } from '../../studies/recipes.ts';
import { disposeLabModel } from '../../infer/lab-model.ts';
import { disposeWeights, loadWeights } from '../../model/weights.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import type { SeedResult } from '../../protocol/experiment-results.ts';
import { PolicyMeasuresSchema } from '../../protocol/policy-measures.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { distillRunFolder, measuredOnce, type RunFolder } from '../run-folder.ts';
import type { ExperimentContext } from './experiment-context.ts';
import { keepIn, readTeacher } from '../teacher-model.ts';
import { note, Progress, said } from '../terminal.ts';

const heldOutSchema = PolicyMeasuresSchema.entries.heldOut;

/** What the teacher knows on the test split; the same for every seed, since there is one teacher. */
export async function teacherResult(seed: number, context: ExperimentContext): Promise<SeedResult> {
  const teacher = await readTeacher(context.teacherFolder);
  try {
    const { distill, world } = parseConfig('The teacher', DistillExperimentSchema, {});
    const test = await measuredOnce(
      join(context.root, 'teachers'),
      `test-${context.testPairs}-${teacher.hash}`,
      heldOutSchema,
      () => {
        const pairs = heldOutPairs(makeRuleWorld(world), 'test', context.testPairs);
        return measureStudent(teacher.model.transformer, teacher, distill, pairs);
      },
    );
    return seedResult(seed, [], test, { generated: 0, learned: 0, expert: 0 });
  } finally {
    disposeLabModel(teacher.model);
  }
}

/**
 * Makes or reads the result of one student for one seed.
 *
 * @returns undefined if another process is at it
 * @throws {LabError} `aborted`
 */
export async function studentOf(
  name: string,
  { distill, ...rest }: StudentSettings,
  seed: number,
  context: ExperimentContext,
): Promise<SeedResult | undefined> {
  const steps = context.steps === undefined ? {} : { steps: context.steps };
  const settings = { ...rest, distill: { ...distill, ...steps, seed } };
  const experiment = parseConfig('The arm', DistillExperimentSchema, settings);
  const teacher = await readTeacher(context.teacherFolder);
  try {
    const folder = distillRunFolder(context.root, experiment, teacher.hash);
    return await folder.once(() => finishRun(folder, experiment, teacher, `${name}, seed ${seed}`, context));
  } finally {
    disposeLabModel(teacher.model);
  }
}

/** Trains from the last checkpoint, or from new weights, to the end. */
async function finishRun(
  folder: RunFolder,
  experiment: DistillExperiment,
  teacher: Teacher,
  title: string,
  { root, device, commit, signal, testPairs }: ExperimentContext,
): Promise<SeedResult> {
  const preset = experiment.student.kind === 'new' ? experiment.student.preset : 'lab-nano';
  const config = newStudent(preset, teacher.model.transformer);
  const bytes = await folder.readCheckpointBytes();
  const saved = bytes === undefined ? undefined : readDistillCheckpoint(bytes);
  const writing = new Progress('Completions of the teacher');
  const prepared = await prepareDistill(experiment, teacher, config, {
    keep: keepIn(join(root, 'teachers')),
    signal,
    onCompleted: (done, total) => writing.update(done, total),
  });
  const progress = new Progress(title);
  const { steps, seed } = experiment.distill;
  const { weights, tokens, curve } = await runDistill(experiment, prepared, teacher, { config }, saved, {
    signal,
    onLog: ({ step, lossNats }) => progress.update(step, steps, `loss ${lossNats.toFixed(3)}`),
    onCheckpoint: (checkpoint) => folder.writeCheckpointBytes(experiment, writeDistillCheckpoint(checkpoint)),
  });
  progress.end();

  // The test split is read here, once per finished run.
  const student = { config, weights: loadWeights(config, weights) };
  try {
    const pairs = heldOutPairs(prepared.world, 'test', testPairs);
    const test = await measureStudent(student, teacher, experiment.distill, pairs);
    const result = studentResult(seed, curve, test, tokens);
    await folder.writeFinished({ commit, device, result });
    note(`${title}: accuracy ${said(test.accuracy)}, tail recall ${said(test.tailRecall)}.`);
    return result;
  } finally {
    disposeWeights(student.weights);
  }
}
