/**
 * The runs of the experiment on the order of completions: each takes a minute or two, and one that was interrupted is made
 * again from its beginning.
 */
import { performance } from 'node:perf_hooks';
import { parseConfig } from '../../config/parse.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { measureOrder, timeToLabel } from '../../studies/order-measure.ts';
import { runOrder } from '../../studies/order-run.ts';
import { orderResult } from '../../studies/recipe-results.ts';
import type { OrderSettings } from '../../studies/recipes.ts';
import type { SeedResult } from '../../protocol/experiment-results.ts';
import { type OrderExperiment, OrderExperimentSchema } from '../../protocol/order-experiment.ts';
import type { ExperimentContext } from './experiment-context.ts';
import { orderRunFolder, type RunFolder } from '../run-folder.ts';
import { note, Progress, said } from '../terminal.ts';

/** Pairs that the time to the label is taken of. */
const TIMED_PAIRS = 20;

/**
 * Makes or reads the result of one arm for one seed.
 *
 * @returns undefined if another process is at it
 * @throws {LabError} `aborted`
 */
export async function orderOf(
  name: string,
  { sft, ...rest }: OrderSettings,
  seed: number,
  context: ExperimentContext,
): Promise<SeedResult | undefined> {
  const steps = context.steps === undefined ? {} : { steps: context.steps };
  const settings = { ...rest, sft: { ...sft, ...steps, seed } };
  const experiment = parseConfig('The arm', OrderExperimentSchema, settings);
  const folder = orderRunFolder(context.root, experiment);
  return folder.once(() => finishRun(folder, experiment, `${name}, seed ${seed}`, context));
}

async function finishRun(
  folder: RunFolder,
  experiment: OrderExperiment,
  title: string,
  { device, commit, signal, testPairs }: ExperimentContext,
): Promise<SeedResult> {
  const { order, sft } = experiment;
  const progress = new Progress(title);
  const hooks = {
    signal,
    onLog: ({ step, lossNats }: { step: number; lossNats: number }) =>
      progress.update(step, sft.steps, `loss ${lossNats.toFixed(3)}`),
  };
  // The test split is read here, once per finished run.
  const finished = await runOrder(experiment, hooks, async (model, world) => {
    const test = heldOutPairs(world, 'test', testPairs);
    const measures = await measureOrder(model, order, test, signal);
    const time = await timeToLabel(model, order, test.slice(0, TIMED_PAIRS), () => performance.now());
    return { measures, time };
  });
  progress.end();
  const { measures, time } = finished.result;
  const result = orderResult(sft.seed, finished.curve, measures, time, finished.tokens);
  await folder.writeFinished({ commit, device, result });
  const { accuracy, tokensToLabel } = measures.labels;
  note(`${title}: accuracy ${said(accuracy)}, ${said(tokensToLabel)} tokens to the label.`);
  return result;
}
