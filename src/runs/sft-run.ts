/**
 * One supervised run from its data to trained weights, with its learning curve and its checkpoints: what the command
 * line and the page have in common. Where it runs, who watches and where checkpoints go is theirs.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { disposeWeights, initialWeights, loadWeights, readWeights, type TensorData } from '../model/weights.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import { type Evaluation, evaluate } from '../train/evaluate.ts';
import { type SftRun, type SftState, trainSft } from '../train/sft.ts';
import type { CurvePoint, SftCheckpoint } from './sft-checkpoint.ts';
import type { PreparedSft } from './sft-experiment.ts';

/** A run between two updates. */
export interface RunMoment {
  /** Updates made. */
  readonly step: number;
  /** Measures the model as it is; undefined if cut short. The learning curve keeps only what the settings ask for. */
  readonly evaluate: () => Promise<Evaluation | undefined>;
  readonly checkpoint: () => Promise<SftCheckpoint>;
}

/** Who watches a run, and steers it. */
export interface RunHooks extends Pick<SftRun, 'signal' | 'afterMicroBatch' | 'isLogWanted' | 'onLog'> {
  /** Cuts an evaluation short; the run goes on without it. */
  readonly evaluationSignal?: AbortSignal | undefined;
  /** Awaited before every update. */
  readonly beforeUpdate?: (moment: RunMoment) => Promise<void>;
  /** Called after an evaluation that the settings ask for. */
  readonly onEvaluate?: (step: number, evaluation: Evaluation) => void;
  readonly onCheckpoint?: (checkpoint: SftCheckpoint) => Promise<void>;
  /** Does an evaluation or keeps a checkpoint, which is no training; for those who measure time. */
  readonly aside?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A run that has come to its end. */
export interface FinishedSft {
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Real input tokens learned from. */
  readonly tokens: number;
  readonly curve: readonly CurvePoint[];
}

/** Greedy completions of an evaluation: enough to see whether traces are valid, few enough to be quick. */
export const EVALUATED_COMPLETIONS = 200;

/**
 * Trains on the current backend.
 *
 * @param prepared - what `prepareSft` made of the experiment
 * @param saved - to go on from
 * @throws {LabError} what `trainSft` throws: `aborted`, `not-finite`
 */
export async function runSft(
  experiment: SftExperiment,
  prepared: PreparedSft,
  saved: SftCheckpoint | undefined,
  hooks: RunHooks = {},
): Promise<FinishedSft> {
  const { dataHash, rules, tokenizer, model: config, examples, queries, dev } = prepared;
  const { aside = (work) => work(), evaluationSignal } = hooks;
  const weights = saved?.state.weights ?? initialWeights(config, new Rng(experiment.sft.seed));
  const model = { config, weights: loadWeights(config, weights) };
  const curve: CurvePoint[] = [...(saved?.curve ?? [])];
  let tokens = saved?.state.tokens ?? 0;
  let lossNats = saved?.unevaluatedLossNats;
  let isUnevaluated = lossNats !== undefined;

  const evaluateNow = async (): Promise<Evaluation | undefined> => {
    const evaluated = { transformer: model, tokenizer, prompt: experiment.prompt, ...rules };
    // Where there are no rules there is no reasoning to look at.
    const completions = rules.instruction.rules.length === 0 ? 0 : EVALUATED_COMPLETIONS;
    const options = { completions, signal: evaluationSignal };
    return aside(() => unlessAborted(() => evaluate(evaluated, dev, options), evaluationSignal));
  };
  const checkpointOf = (state: SftState): SftCheckpoint => {
    const unevaluatedLossNats = isUnevaluated ? lossNats : undefined;
    return {
      experiment,
      tokenizer,
      dataHash,
      trainPairs: examples.length,
      queries,
      state,
      curve: [...curve],
      unevaluatedLossNats,
    };
  };
  const evaluateAt = async (step: number): Promise<void> => {
    const evaluation = await evaluateNow();
    // An evaluation that was skipped on purpose is not made up for; one that the end of the run has cut short is.
    isUnevaluated = evaluation === undefined && hooks.signal?.aborted === true;
    if (evaluation === undefined) return;
    const devAccuracy = evaluation.labels.accuracy.value;
    if (lossNats !== undefined) {
      const devLossNats = evaluation.expertLossNats;
      curve.push({ step, tokens, lossNats, ...(devAccuracy === null ? {} : { devAccuracy }), devLossNats });
    }
    hooks.onEvaluate?.(step, evaluation);
  };

  try {
    if (saved !== undefined && isUnevaluated) {
      await evaluateAt(saved.state.step);
      throwIfAborted(hooks.signal);
      await hooks.onCheckpoint?.(checkpointOf(saved.state));
    }
    await trainSft(experiment.sft, {
      model,
      examples,
      resume: saved?.state,
      signal: hooks.signal,
      afterMicroBatch: hooks.afterMicroBatch,
      isLogWanted: hooks.isLogWanted,
      beforeUpdate: async (step, readState) => {
        const checkpoint = async (): Promise<SftCheckpoint> => checkpointOf(await readState());
        await hooks.beforeUpdate?.({ step, evaluate: evaluateNow, checkpoint });
      },
      onLog: (entry) => {
        ({ tokens, lossNats } = entry);
        hooks.onLog?.(entry);
      },
      onEvaluate: evaluateAt,
      onCheckpoint: async (state) => {
        if (hooks.onCheckpoint !== undefined) await hooks.onCheckpoint(checkpointOf(state));
      },
    });
    if (isUnevaluated) throwIfAborted(hooks.signal);
    return { weights: await readWeights(model.weights), tokens, curve };
  } finally {
    disposeWeights(model.weights);
  }
}

async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true && error instanceof LabError && error.code === 'aborted') return undefined;
    throw error;
  }
}
