/**
 * A supervised run on a rule world with completions in any order: its data, training and learning curve. The world, the
 * tokenizer, the initial weights and the order of examples do not depend on the order of completions.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { Example } from '../data/batches.ts';
import { randomSplits } from '../data/tokenizer/subword-splits.ts';
import { disposeWeights, initialWeights, loadWeights } from '../model/weights.ts';
import type { OrderExperiment } from '../protocol/order-experiment.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/world/rule-world.ts';
import { encodeFitting, type Evaluated, type ExpertPair } from '../train/evaluate.ts';
import { type SftLogEntry, trainSft } from '../train/sft.ts';
import { heldOutPairs } from '../runs/grpo-task.ts';
import { measureOrder, type OrderMeasures } from './order-measure.ts';
import { rulesOfWorld, toExpert, trainWorldTokenizer } from '../runs/sft-experiment.ts';

/** A point of the learning curve, on dev pairs. */
export interface OrderPoint {
  readonly step: number;
  /** Input tokens learned from. */
  readonly tokens: number;
  readonly measures: OrderMeasures;
}

/** Callbacks that observe a run. */
export interface OrderHooks {
  readonly signal?: AbortSignal | undefined;
  readonly onLog?: (entry: SftLogEntry) => void;
}

/** The result of a finished run. */
export interface FinishedOrder {
  readonly tokens: number;
  readonly curve: readonly OrderPoint[];
}

/** Examples between two chances to stop. */
const EXAMPLES_PER_TURN = 500;

/**
 * Trains on the current backend.
 *
 * @param use - uses the trained model, which is freed afterwards
 * @throws {LabError} `bad-config` if the run does not learn from a rule world; what `trainSft` throws
 */
export async function runOrder<Result>(
  experiment: OrderExperiment,
  hooks: OrderHooks,
  use: (model: Evaluated, world: RuleWorld) => Promise<Result>,
): Promise<FinishedOrder & { readonly result: Result }> {
  const { order, prompt, sft, devPairs } = experiment;
  const { signal } = hooks;
  const world = worldOf(experiment);
  const config = MODEL_PRESETS[experiment.preset];
  const tokenizer = trainWorldTokenizer(world, experiment, config.vocabSize);
  const examples = await orderExamples(experiment, world, tokenizer, signal);
  const weights = loadWeights(config, initialWeights(config, new Rng(sft.seed)));
  const transformer = { config, weights };
  const model: Evaluated = { ...rulesOfWorld(world), transformer, tokenizer, prompt };
  const dev = heldOutPairs(world, 'dev', devPairs);
  const curve: OrderPoint[] = [];
  let tokens = 0;
  try {
    await trainSft(sft, {
      model: transformer,
      examples,
      signal,
      onLog: (entry) => {
        ({ tokens } = entry);
        hooks.onLog?.(entry);
      },
      onEvaluate: async (step) => {
        curve.push({ step, tokens, measures: await measureOrder(model, order, dev, signal) });
      },
    });
    return { tokens, curve, result: await use(model, world) };
  } finally {
    disposeWeights(weights);
  }
}

/** The training examples of a run, in the order of the world. @throws {LabError} `aborted` */
export async function orderExamples(
  { order, preset, prompt, sft, wordSplitShare }: OrderExperiment,
  world: RuleWorld,
  tokenizer: Evaluated['tokenizer'],
  signal?: AbortSignal,
): Promise<Example[]> {
  const transformer = { config: MODEL_PRESETS[preset] };
  const examples: Example[] = [];
  const encode = (expert: ExpertPair, index: number): Example => {
    const splitWord = randomSplits(new Rng(`word splits ${sft.seed} ${index}`), wordSplitShare);
    return encodeFitting(tokenizer, prompt, expert, { splitWord, transformer, order }).example;
  };
  for (const pair of world.pairs('train')) {
    examples.push(encode(toExpert(pair), examples.length));
    if (examples.length % EXAMPLES_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(signal);
  }
  return examples;
}

/** The world of a run. @throws {LabError} `bad-config` */
export function worldOf({ data }: OrderExperiment): RuleWorld {
  if (data.kind !== 'world') {
    throw new LabError('bad-config', { message: 'Orders of completions are compared on a rule world.' });
  }
  const { kind: _, ...settings } = data;
  return makeRuleWorld(settings);
}
