/**
 * The runs of E11: one model each, trained and then asked in every way. A run that is interrupted begins anew, because none takes
 * more than a few minutes; the start of a seed and what a teacher wrote are kept for the others.
 */
import { join } from 'node:path';
import type { DecodingKind } from '../../config/decoding.ts';
import { parseConfig } from '../../config/parse.ts';
import { disposeLabModel } from '../../infer/lab-model.ts';
import { disposeWeights, loadWeights, type TensorData } from '../../model/weights.ts';
import type { ModelConfig } from '../../config/model-config.ts';
import { DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { runDistill } from '../../runs/distill-run.ts';
import { newStudent, prepareDistill } from '../../runs/distill-task.ts';
import { runGrpo } from '../../runs/grpo-run.ts';
import { heldOutPairs, prepareGrpo } from '../../runs/grpo-task.ts';
import { prepareSft, rulesOfWorld } from '../../runs/sft-experiment.ts';
import { type Answered, AnsweredSchema, measureHeld } from '../../studies/held-measure.ts';
import type { Evaluated } from '../../train/evaluate.ts';
import { readModelFiles } from '../model-folder.ts';
import { hashOfFiles, readIfThere, type RunFolder, studyRunFolder } from '../run-folder.ts';
import { readStartModel } from '../start-model.ts';
import { keepIn, readTeacher } from '../teacher-model.ts';
import { note, Progress } from '../terminal.ts';
import { HELD_START, LAMBDA, reinforced, taught, WORLD_TEST_PAIRS } from './held-settings.ts';
import { supervisedOnce, withModel } from './stages.ts';
import type { StudySession } from './study.ts';

/** Where runs are kept, and the teacher of students. */
export interface HeldContext extends StudySession {
  readonly root: string;
  readonly teacherFolder: string;
}

const WORLD = { seed: 1 };

/** A run's measures, made once. */
export function askedOnce(
  context: HeldContext,
  identity: unknown,
  title: string,
  make: (folder: RunFolder) => Promise<Answered>,
): Promise<Answered | undefined> {
  const folder = studyRunFolder(context.root, 'held', identity);
  return folder.once(AnsweredSchema, context, async () => {
    const answered = await make(folder);
    const [free, grounded] = [answered.free, answered.grounded].map(({ verifiedSteps }) => String(verifiedSteps));
    note(`${title}: verified steps ${free} free, ${grounded} grounded.`);
    return answered;
  });
}

/** A model that comes with the lab, on the test split of the rule world. */
export async function askedBundled(path: string, context: HeldContext): Promise<Answered | undefined> {
  const hash = hashOfFiles((await readModelFiles(path)).values());
  return askedOnce(context, ['bundled', hash, WORLD_TEST_PAIRS], path, () =>
    withModel(path, (model) => measureHeld(model, testPairs(), context.signal)),
  );
}

/** The supervised model of a seed. */
export async function askedSupervised(seed: number, context: HeldContext): Promise<Answered | undefined> {
  const path = await startFolder(seed, context);
  if (path === undefined) return undefined;
  return askedOnce(context, ['supervised', HELD_START, seed, WORLD_TEST_PAIRS], `Supervised, seed ${seed}`, () =>
    withModel(path, (model) => measureHeld(model, testPairs(), context.signal)),
  );
}

/** The same trained on by reinforcement, whose rollouts are held. */
export async function askedReinforced(
  learned: 'GRPO' | 'MBO',
  decoding: DecodingKind,
  seed: number,
  context: HeldContext,
): Promise<Answered | undefined> {
  const settings = reinforced(learned === 'GRPO' ? 0 : LAMBDA, decoding);
  const experiment = parseConfig('The arm', GrpoExperimentSchema, { ...settings, grpo: { ...settings.grpo, seed } });
  const path = await startFolder(seed, context);
  if (path === undefined) return undefined;
  const title = `${learned}, trained ${decoding}, seed ${seed}`;
  return askedOnce(context, ['grpo', HELD_START, experiment, WORLD_TEST_PAIRS], title, async () => {
    const start = await readStartModel(path);
    const prepared = await prepareGrpo(experiment, start, { signal: context.signal });
    const progress = new Progress(title);
    const { weights } = await runGrpo(experiment, prepared, start, undefined, {
      signal: context.signal,
      onStep: ({ step }) => progress.update(step, experiment.grpo.steps),
    });
    progress.end();
    return askWeights(start, start.config, weights, context);
  });
}

/** A new student of a teacher whose completions are held. */
export async function askedStudent(
  decoding: DecodingKind,
  seed: number,
  context: HeldContext,
): Promise<Answered | undefined> {
  const settings = taught(decoding);
  const input = { ...settings, distill: { ...settings.distill, seed } };
  const experiment = parseConfig('The arm', DistillExperimentSchema, input);
  const teacher = await readTeacher(context.teacherFolder);
  const title = `Student of ${teacher.model.card.name}, trained ${decoding}, seed ${seed}`;
  try {
    return await askedOnce(context, ['student', teacher.hash, experiment, WORLD_TEST_PAIRS], title, async () => {
      const config = newStudent(HELD_START.preset, teacher.model.transformer);
      const keep = keepIn(join(context.root, 'teachers'));
      const prepared = await prepareDistill(experiment, teacher, config, { keep, signal: context.signal });
      const { weights } = await runDistill(experiment, prepared, teacher, { config }, undefined, {
        signal: context.signal,
      });
      return askWeights(teacher.model, config, weights, context);
    });
  } finally {
    disposeLabModel(teacher.model);
  }
}

async function askWeights(
  { tokenizer, prompt }: Pick<Evaluated, 'tokenizer' | 'prompt'>,
  config: ModelConfig,
  weights: ReadonlyMap<string, TensorData>,
  { signal }: HeldContext,
): Promise<Answered> {
  const rules = rulesOfWorld(makeRuleWorld(WORLD));
  const transformer = { config, weights: loadWeights(config, weights) };
  try {
    return await measureHeld({ ...rules, transformer, tokenizer, prompt }, testPairs(), signal);
  } finally {
    disposeWeights(transformer.weights);
  }
}

function testPairs(): ReturnType<typeof heldOutPairs> {
  return heldOutPairs(makeRuleWorld(WORLD), 'test', WORLD_TEST_PAIRS);
}

/** The folder of a seed's supervised model, trained if it is not there yet; undefined if another process trains it. */
async function startFolder(seed: number, { root, device, signal }: HeldContext): Promise<string | undefined> {
  const experiment = parseConfig('The start', SftExperimentSchema, { ...HELD_START, sft: { ...HELD_START.sft, seed } });
  const folder = studyRunFolder(root, 'held-starts', experiment);
  const model = join(folder.path, 'model');
  // The weights are written last, and appear whole.
  if ((await readIfThere(join(model, 'model.safetensors'))) !== undefined) return model;
  return folder.alone(() =>
    supervisedOnce(experiment, { out: folder.path, dtype: 'f32', device, signal }, (saved) =>
      prepareSft(experiment, { saved, signal }),
    ),
  );
}
