/**
 * The runs of an experiment, one after another: missing starts are trained, interrupted runs are resumed, and finished
 * runs are read.
 */
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { measureHeldOut } from '../../runs/grpo-measure.ts';
import { runGrpo } from '../../runs/grpo-run.ts';
import { heldOutPairs, type PreparedGrpo, prepareGrpo, type StartModel } from '../../runs/grpo-task.ts';
import { PassCountsSchema, withPassRates } from '../../runs/pass-rates.ts';
import { rulesOfWorld } from '../../runs/sft-experiment.ts';
import { NO_TOKENS, seedResult } from '../../studies/recipe-results.ts';
import type { Arm, ArmSettings } from '../../studies/recipes.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import { disposeWeights, loadWeights } from '../../model/weights.ts';
import type { SeedResult } from '../../protocol/experiment-results.ts';
import { type GrpoExperiment, GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { type PolicyMeasures, PolicyMeasuresSchema } from '../../protocol/policy-measures.ts';
import { makeRuleWorld, type RuleWorld } from '../../relevance/world/rule-world.ts';
import type { GrpoStep } from '../../train/grpo-telemetry.ts';
import { type ExperimentContext, trainedOnce, withSeed } from './experiment-context.ts';
import { studentOf, teacherResult } from './distill-runs.ts';
import { measuredOnce } from '../runs/read-files.ts';
import { experimentRunFolder } from '../runs/run-folder.ts';
import { orderOf } from './order-runs.ts';
import { readStartModel } from '../runs/start-model.ts';
import { Progress, describeStep } from '../terminal.ts';

/**
 * The result of one arm for one seed, made unless it is stored.
 *
 * @returns undefined if another process works on it
 * @throws {LabError} `aborted`
 */
export async function resultOf(arm: Arm, seed: number, context: ExperimentContext): Promise<SeedResult | undefined> {
  const { name, run } = arm;
  switch (run.kind) {
    case 'start':
      return startResult(seed, context);
    case 'grpo':
      return reinforcedOf(name, run.settings, seed, context);
    case 'teacher':
      return teacherResult(seed, context);
    case 'distill':
      return studentOf(name, run.settings, seed, context);
    case 'order':
      return orderOf(name, run.settings, seed, context);
    default:
      return run satisfies never;
  }
}

async function startResult(seed: number, context: ExperimentContext): Promise<SeedResult> {
  const start = await readStartModel(await context.startFolder(seed));
  const name = `test-${context.testPairs}-${hashWeights(start.weights)}`;
  const experiment = parseConfig('The start', GrpoExperimentSchema, { grpo: { seed } });
  const test = await measuredOnce(join(context.root, 'starts'), name, PolicyMeasuresSchema.entries.heldOut, () =>
    measureOnTest(start, experiment, context),
  );
  return seedResult(seed, [], test, NO_TOKENS);
}

/** Trains from the last checkpoint, or from the start, to the end. */
async function reinforcedOf(
  name: string,
  { grpo, ...rest }: ArmSettings,
  seed: number,
  context: ExperimentContext,
): Promise<SeedResult | undefined> {
  const start = await readStartModel(await context.startFolder(seed));
  const settings = { ...rest, grpo: withSeed(grpo, seed, context) };
  const experiment = parseConfig('The arm', GrpoExperimentSchema, settings);
  const folder = experimentRunFolder(context.root, experiment, hashWeights(start.weights));
  const run = { title: `${name}, seed ${seed}`, steps: experiment.grpo.steps };
  return trainedOnce(folder, run, context, async (onStep) => {
    const saved = await folder.readCheckpoint();
    const records: GrpoStep[] = saved === undefined ? [] : await folder.readRecords(saved.state.step);
    const prepared = await withPassRatesKept(experiment, start, context);
    const { weights, tokens, curve } = await runGrpo(experiment, prepared, start, saved, {
      signal: context.signal,
      onStep: (record) => {
        records.push(record);
        onStep(record.step, describeStep(record));
      },
      onCheckpoint: (checkpoint) => folder.writeCheckpoint(checkpoint, records),
    });
    const test = await measureOnTest({ ...start, weights }, experiment, context);
    return seedResult(seed, curve, test, tokens, records);
  });
}

/** The data of a run; pass rates of a start are measured once for all arms. */
async function withPassRatesKept(
  experiment: GrpoExperiment,
  start: StartModel,
  { root, signal }: ExperimentContext,
): Promise<PreparedGrpo> {
  const progress = new Progress(`Pass rates of the start, seed ${experiment.grpo.seed}`);
  const prepared = await withPassRates(experiment, await prepareGrpo(experiment, start, { signal }), start, {
    signal,
    onProgress: (done, total) => progress.update(done, total),
    keep: (name, measure) => measuredOnce(join(root, 'starts'), name, PassCountsSchema, measure),
  });
  progress.end();
  return prepared;
}

/** Reads the test split, once per finished run. */
async function measureOnTest(
  start: StartModel,
  experiment: GrpoExperiment,
  { testPairs, signal }: ExperimentContext,
): Promise<PolicyMeasures['heldOut']> {
  const world = worldOf(experiment);
  const model = { config: start.config, weights: loadWeights(start.config, start.weights) };
  try {
    return await measureHeldOut(model, rulesOfWorld(world), start, heldOutPairs(world, 'test', testPairs), { signal });
  } finally {
    disposeWeights(model.weights);
  }
}

/** Recipes are on rule worlds. @throws {LabError} `internal` */
function worldOf({ data }: GrpoExperiment): RuleWorld {
  if (data.kind !== 'world') throw new LabError('internal', { message: 'A recipe has a file where it needs a world.' });
  const { kind: _, ...settings } = data;
  return makeRuleWorld(settings);
}
