/**
 * The runs of E11: each trains one model and measures it under every decoding. An interrupted run starts again, because
 * none takes more than a few minutes; the start model of a seed and the completions of a teacher are kept for other
 * runs.
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
import { type DecodingMeasures, DecodingMeasuresSchema, measureHeld } from '../../studies/held-measure.ts';
import type { Evaluated } from '../../train/evaluate.ts';
import { readModelFiles } from '../model-folder.ts';
import { readIfThere } from '../runs/read-files.ts';
import { hashOfFiles, type RunFolder, studyRunFolder } from '../runs/run-folder.ts';
import { readStartModel } from '../runs/start-model.ts';
import { keepIn, readTeacher } from '../runs/teacher-model.ts';
import { note, Progress } from '../terminal.ts';
import { HELD_START, LAMBDA, grpoSettings, distillSettings, WORLD_TEST_PAIRS } from './held-settings.ts';
import { supervisedOnce, withModel } from './stages.ts';
import type { StudySession } from './study.ts';

/** The folder of the runs, and that of the teacher. */
export interface HeldContext extends StudySession {
  readonly root: string;
  readonly teacherFolder: string;
}

const WORLD = { seed: 1 };

/** Measures a run, unless its measures are kept already. */
export function measureOnce(
  context: HeldContext,
  identity: unknown,
  title: string,
  make: (folder: RunFolder) => Promise<DecodingMeasures>,
): Promise<DecodingMeasures | undefined> {
  const folder = studyRunFolder(context.root, 'held', identity);
  return folder.once(DecodingMeasuresSchema, context, async () => {
    const measures = await make(folder);
    const [free, grounded] = [measures.free, measures.grounded].map(({ verifiedSteps }) => String(verifiedSteps));
    note(`${title}: verified steps ${free} free, ${grounded} grounded.`);
    return measures;
  });
}

/** A model that comes with the lab, on the test split of the rule world. */
export async function measureBundled(path: string, context: HeldContext): Promise<DecodingMeasures | undefined> {
  const hash = hashOfFiles((await readModelFiles(path)).values());
  return measureOnce(context, ['bundled', hash, WORLD_TEST_PAIRS], path, () =>
    withModel(path, (model) => measureHeld(model, testPairs(), context.signal)),
  );
}

/** The supervised model of a seed. */
export async function measureSupervised(seed: number, context: HeldContext): Promise<DecodingMeasures | undefined> {
  const path = await startFolder(seed, context);
  if (path === undefined) return undefined;
  return measureOnce(context, ['supervised', HELD_START, seed, WORLD_TEST_PAIRS], `Supervised, seed ${seed}`, () =>
    withModel(path, (model) => measureHeld(model, testPairs(), context.signal)),
  );
}

/** The supervised model of a seed after reinforcement under a decoding. */
export async function measureReinforced(
  learned: 'GRPO' | 'MBO',
  decoding: DecodingKind,
  seed: number,
  context: HeldContext,
): Promise<DecodingMeasures | undefined> {
  const settings = grpoSettings(learned === 'GRPO' ? 0 : LAMBDA, decoding);
  const experiment = parseConfig('The arm', GrpoExperimentSchema, { ...settings, grpo: { ...settings.grpo, seed } });
  const path = await startFolder(seed, context);
  if (path === undefined) return undefined;
  const title = `${learned}, trained ${decoding}, seed ${seed}`;
  return measureOnce(context, ['grpo', HELD_START, experiment, WORLD_TEST_PAIRS], title, async () => {
    const start = await readStartModel(path);
    const prepared = await prepareGrpo(experiment, start, { signal: context.signal });
    const progress = new Progress(title);
    const { weights } = await runGrpo(experiment, prepared, start, undefined, {
      signal: context.signal,
      onStep: ({ step }) => progress.update(step, experiment.grpo.steps),
    });
    progress.end();
    return measureWeights(start, start.config, weights, context);
  });
}

/** A new student, trained on completions that its teacher wrote under a decoding. */
export async function measureStudent(
  decoding: DecodingKind,
  seed: number,
  context: HeldContext,
): Promise<DecodingMeasures | undefined> {
  const settings = distillSettings(decoding);
  const input = { ...settings, distill: { ...settings.distill, seed } };
  const experiment = parseConfig('The arm', DistillExperimentSchema, input);
  const teacher = await readTeacher(context.teacherFolder);
  const title = `Student of ${teacher.model.card.name}, trained ${decoding}, seed ${seed}`;
  try {
    return await measureOnce(context, ['student', teacher.hash, experiment, WORLD_TEST_PAIRS], title, async () => {
      const config = newStudent(HELD_START.preset, teacher.model.transformer);
      const keep = keepIn(join(context.root, 'teachers'));
      const prepared = await prepareDistill(experiment, teacher, config, { keep, signal: context.signal });
      const { weights } = await runDistill(experiment, prepared, teacher, { config }, undefined, {
        signal: context.signal,
      });
      return measureWeights(teacher.model, config, weights, context);
    });
  } finally {
    disposeLabModel(teacher.model);
  }
}

async function measureWeights(
  { tokenizer, prompt }: Pick<Evaluated, 'tokenizer' | 'prompt'>,
  config: ModelConfig,
  weights: ReadonlyMap<string, TensorData>,
  { signal }: HeldContext,
): Promise<DecodingMeasures> {
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
  // The weights are written last and atomically.
  if ((await readIfThere(join(model, 'model.safetensors'))) !== undefined) return model;
  return folder.alone(() =>
    supervisedOnce(experiment, { out: folder.path, dtype: 'f32', device, signal }, (saved) =>
      prepareSft(experiment, { saved, signal }),
    ),
  );
}
