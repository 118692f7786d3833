/**
 * One supervised run from its data to trained weights, with its learning curve and its checkpoints, as the command line
 * and the page both run it. The caller chooses the backend, observes the run and stores the checkpoints.
 *
 * Room `runs/`: what a run is, from settings to data, training, checkpoint and card, for SFT, GRPO and distillation.
 * The CLI and the workers use it. Loops and losses belong in `train/`; pausing, turns and storage in `sessions/`.
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
  /** Measures the present model; undefined if cut short. The learning curve records only what the settings ask for. */
  readonly evaluate: () => Promise<Evaluation | undefined>;
  readonly checkpoint: () => Promise<SftCheckpoint>;
}

/** Callbacks that observe and steer a run. */
export interface RunHooks extends Pick<SftRun, 'signal' | 'afterMicroBatch' | 'isLogWanted' | 'onLog'> {
  /** Cuts an evaluation short; the run continues without it. */
  readonly evaluationSignal?: AbortSignal | undefined;
  /** Awaited before every update. */
  readonly beforeUpdate?: (moment: RunMoment) => Promise<void>;
  /** Called after an evaluation that the settings ask for. */
  readonly onEvaluate?: (step: number, evaluation: Evaluation) => void;
  readonly onCheckpoint?: (checkpoint: SftCheckpoint) => Promise<void>;
  /** Wraps evaluations and checkpoints, so that a clock can exclude them from training time. */
  readonly untimed?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** The result of a finished run. */
export interface FinishedSft {
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Input tokens learned from, without padding. */
  readonly tokens: number;
  readonly curve: readonly CurvePoint[];
}

/** Greedy completions of an evaluation: enough to estimate the share of valid traces, few enough to be quick. */
export const EVALUATED_COMPLETIONS = 200;

/**
 * Trains on the current backend.
 *
 * @param prepared - the result of `prepareSft` for the experiment
 * @param saved - the checkpoint to resume from
 * @throws {LabError} what `trainSft` throws: `aborted`, `not-finite`
 */
export async function runSft(
  experiment: SftExperiment,
  prepared: PreparedSft,
  saved: SftCheckpoint | undefined,
  hooks: RunHooks = {},
): Promise<FinishedSft> {
  const { dataHash, rules, tokenizer, model: config, start, examples, replayed, queries, dev } = prepared;
  const { untimed = (work) => work(), evaluationSignal } = hooks;
  const begun = start !== undefined && 'weights' in start ? start.weights : undefined;
  const weights = saved?.state.weights ?? begun ?? initialWeights(config, new Rng(experiment.sft.seed));
  const model = { config, weights: loadWeights(config, weights) };
  const curve: CurvePoint[] = [...(saved?.curve ?? [])];
  let tokens = saved?.state.tokens ?? 0;
  let lossNats = saved?.unevaluatedLossNats;
  let isUnevaluated = lossNats !== undefined;

  const evaluateNow = async (): Promise<Evaluation | undefined> => {
    const evaluated = { transformer: model, tokenizer, prompt: experiment.prompt, ...rules };
    // Without rules there is no reasoning to evaluate.
    const completions = rules.instruction.rules.length === 0 ? 0 : EVALUATED_COMPLETIONS;
    const options = { completions, signal: evaluationSignal };
    return untimed(() => unlessAborted(() => evaluate(evaluated, dev, options), evaluationSignal));
  };
  const checkpointOf = (state: SftState): SftCheckpoint => {
    const unevaluatedLossNats = isUnevaluated ? lossNats : undefined;
    return {
      experiment,
      tokenizer,
      dataHash,
      trainPairs: examples.length - replayed,
      queries,
      start,
      state,
      curve: [...curve],
      unevaluatedLossNats,
    };
  };
  const evaluateAt = async (step: number): Promise<void> => {
    const evaluation = await evaluateNow();
    // An evaluation skipped on purpose is not repeated on resume; one cut short by the end of the run is.
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
