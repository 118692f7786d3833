/**
 * The work of the reinforcement benchmark: a policy, prompts of the rule world, and the sampled completions.
 *
 * Sampled tokens, and with them the amount of work, depend on the last bits of a policy. So the lab makes the steps
 * once beforehand, and all peers get its completions: each samples its own tokens but continues with those.
 */
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import type { GrpoConfig } from '../../src/config/grpo-config.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import type { Example } from '../../src/data/batches.ts';
import {
  disposeLabModel,
  readLabModel,
  toBackend,
  type ModelFileName,
  readWeightTensors,
} from '../../src/infer/lab-model.ts';
import { prepareGrpo, startOf } from '../../src/runs/grpo-task.ts';
import { disposeWeights, initialWeights, loadWeights, type TensorData } from '../../src/model/weights.ts';
import { GrpoExperimentSchema } from '../../src/protocol/grpo-experiment.ts';
import { trainGrpo } from '../../src/train/grpo.ts';
import type { KeptGroup } from '../../src/train/grpo-telemetry.ts';
import type { RlTask } from '../../src/train/rollouts.ts';

/** The start model of the demonstration; all presets use its tokenizer. */
export const START = 'lab-nano-start';
/** More steps than a benchmark makes, so that nothing periodic or final ever runs. */
const NEVER = 10_000_000;

/** The input of the reinforcement steps. */
export interface GrpoWork {
  readonly name: string;
  readonly model: ModelConfig;
  /** The weights before the first step. */
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly task: RlTask;
  readonly expert: readonly Example[];
  readonly config: GrpoConfig;
  /** The lab's completions by step: P groups of G. */
  readonly sampled: readonly (readonly KeptGroup[])[];
}

export interface GrpoWorkRequest {
  readonly preset: PresetName;
  readonly prompts: number;
  readonly samples: number;
  readonly maxTokens: number;
  /** The total number of steps. */
  readonly steps: number;
}

/**
 * Makes a work on the current backend, always the same for the same request. `lab-nano` uses the trained start model of
 * the demonstration; other presets have random weights, so that nearly all completions reach the maximum length.
 *
 * @param files - of the model {@link START}
 * @throws {LabError} `bad-config` for a preset whose vocabulary is too small
 */
export async function makeGrpoWork(
  { preset, steps, ...sizes }: GrpoWorkRequest,
  files: ReadonlyMap<ModelFileName, Uint8Array>,
): Promise<GrpoWork> {
  const read = readLabModel(files);
  const lab = await toBackend(read, 'f32');
  disposeLabModel(lab);
  const stored = await readWeightTensors(read);
  const start = startOf(lab);
  const isTrained = preset === 'lab-nano';
  const model = isTrained ? start.config : MODEL_PRESETS[preset];
  if (model.vocabSize < start.config.vocabSize) {
    throw new LabError('bad-config', {
      message: `The vocabulary of ${preset} is too small for the tokenizer of the benchmark.`,
      expected: `at least ${start.config.vocabSize} tokens`,
      got: `${model.vocabSize}`,
    });
  }
  const experiment = parseConfig('The benchmark', GrpoExperimentSchema, {
    queries: 200,
    reward: { kind: 'plausible' },
    grpo: {
      ...sizes,
      tailPromptWeight: 0.1,
      probeExpertEvery: 0,
      steps: NEVER,
      evaluateEvery: NEVER,
      checkpointEvery: NEVER,
      keepEvery: NEVER,
    },
  });
  const { task, expert } = await prepareGrpo(experiment, start);
  const weights = isTrained ? stored : initialWeights(model, new Rng('bench'));
  const config = experiment.grpo;
  const sampled = await sampleSteps({ model, weights, task, expert, config }, steps);
  const name = `${preset}, P=${config.prompts}, G=${config.samples}, expert=${config.expertBatch}`;
  return { name, model, weights, task, expert, config, sampled };
}

/** Makes the steps once and keeps the completions. */
async function sampleSteps(work: Omit<GrpoWork, 'name' | 'sampled'>, steps: number): Promise<KeptGroup[][]> {
  const { model, weights, task, expert, config } = work;
  const policy = { config: model, weights: loadWeights(model, weights) };
  const sampled: KeptGroup[][] = [];
  const keepAll = { ...config, keepEvery: 1, keepGroups: config.prompts };
  try {
    await trainGrpo(stopAfter(keepAll, steps), {
      model: policy,
      task,
      expert,
      onKeep: (_step, groups) => sampled.push([...groups]),
    });
  } finally {
    disposeWeights(policy.weights);
  }
  return sampled;
}

// The learning rate is constant, so the number of steps affects only the end.
function stopAfter(config: GrpoConfig, steps: number): GrpoConfig {
  return { ...config, steps };
}

/** A description for the report. */
export function describeGrpoWork({ name, model, config, sampled }: GrpoWork): string {
  const { vocabSize: V, width: C, layers: L } = model;
  const lengths = sampled.flat(2).flatMap(({ completions }) => completions.map(({ ids }) => ids.length));
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return (
    `${name}; L=${L},C=${C},V=${V}, ${countParameters(model).toLocaleString('en')} parameters; completions of ` +
    `${mean.toFixed(1)} tokens, at most ${config.maxTokens}`
  );
}
