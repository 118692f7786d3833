/**
 * The runs of the experiment on the order of completions. Each takes a minute or two, so an interrupted one starts
 * over.
 */
import { performance } from 'node:perf_hooks';
import { parseConfig } from '../../config/parse.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { measureOrder, timeToLabel } from '../../studies/order-measure.ts';
import { runOrder } from '../../studies/order-run.ts';
import { orderResult } from '../../studies/recipe-results.ts';
import type { OrderSettings } from '../../studies/recipes.ts';
import type { SeedResult } from '../../protocol/experiment-results.ts';
import { OrderExperimentSchema } from '../../protocol/order-experiment.ts';
import { type ExperimentContext, trainedOnce, withSeed } from './experiment-context.ts';
import { orderRunFolder } from '../runs/run-folder.ts';

/** Pairs for timing the way to the label. */
const TIMED_PAIRS = 20;

/**
 * The result of one arm for one seed, made unless it is stored.
 *
 * @returns undefined if another process works on it
 * @throws {LabError} `aborted`
 */
export async function orderOf(
  name: string,
  { sft, ...rest }: OrderSettings,
  seed: number,
  context: ExperimentContext,
): Promise<SeedResult | undefined> {
  const { root, signal, testPairs } = context;
  const settings = { ...rest, sft: withSeed(sft, seed, context) };
  const experiment = parseConfig('The arm', OrderExperimentSchema, settings);
  const { order } = experiment;
  const run = { title: `${name}, seed ${seed}`, steps: experiment.sft.steps };
  return trainedOnce(orderRunFolder(root, experiment), run, context, async (onStep) => {
    const hooks = {
      signal,
      onLog: ({ step, lossNats }: { step: number; lossNats: number }) => onStep(step, `loss ${lossNats.toFixed(3)}`),
    };
    const { curve, tokens, result } = await runOrder(experiment, hooks, async (model, world) => {
      const test = heldOutPairs(world, 'test', testPairs);
      const measures = await measureOrder(model, order, test, signal);
      const time = await timeToLabel(model, order, test.slice(0, TIMED_PAIRS), () => performance.now());
      return { measures, time };
    });
    return orderResult(seed, curve, result.measures, result.time, tokens);
  });
}
