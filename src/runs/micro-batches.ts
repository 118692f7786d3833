/**
 * The sizes of training steps: expected before there is data, measured on given data, and chosen to suit a GPU.
 *
 * A GPU cannot be interrupted inside a micro-batch, so the desktop stays responsive only if micro-batches are short.
 * The split is measured once, when a run is new, and is then part of its settings, because the result of a run must not
 * depend on how busy the machine was.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../common/rng.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { SftConfig } from '../config/sft-config.ts';
import type { Example } from '../data/batches.ts';
import { waitForBackend } from '../gpu/current-backend.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { disposeWeights, initialWeights, loadWeights } from '../model/weights.ts';
import { sftBatches, sftLoss } from '../train/sft.ts';

/** Positions and scored rows of a rule-world pair with a small vocabulary, an estimate before there is data. */
const TYPICAL_POSITIONS = 80;
const TYPICAL_SCORED_ROWS = 16;

/** The expected step before there is data. */
export function expectedStep(sft: SftConfig, model: ModelConfig): StepShape {
  return {
    B: sft.batchSize,
    T: Math.min(TYPICAL_POSITIONS, model.maxPositions),
    scoredRows: TYPICAL_SCORED_ROWS * sft.batchSize,
    microBatches: sft.accumulation,
  };
}

/** Micro-batches in the mean step, or fewer if an epoch has fewer. */
const SAMPLED_BATCHES = 32;

/** The mean step over the first updates of a run. */
export function meanStep(sft: SftConfig, examples: readonly Example[]): StepShape {
  const batchesAt = sftBatches(sft, examples);
  const perEpoch = Math.floor(examples.length / (sft.batchSize * sft.accumulation));
  const updates = Math.min(perEpoch, Math.ceil(SAMPLED_BATCHES / sft.accumulation));
  const batches = Array.from({ length: updates }, (_, step) => batchesAt(step)).flat();
  const mean = (values: readonly number[]): number => Math.round(values.reduce((a, b) => a + b, 0) / values.length);
  return {
    B: sft.batchSize,
    T: mean(batches.map(({ T }) => T)),
    scoredRows: mean(batches.map(({ rows }) => rows.length)),
    microBatches: sft.accumulation,
  };
}

/**
 * Halves the micro-batch until a pass takes at most `budgetMs`. Stops early where halving saves little, because the
 * time then goes into kernel launches, whose number stays the same.
 *
 * @param measure - the time of a forward and backward pass over a number of sequences, in milliseconds
 * @returns settings with the same number of sequences per update
 */
export async function fitMicroBatch(
  sft: SftConfig,
  budgetMs: number,
  measure: (sequences: number) => Promise<number>,
): Promise<SftConfig> {
  let fitted = sft;
  let passMs = await measure(fitted.batchSize);
  while (passMs > budgetMs && fitted.batchSize % 2 === 0) {
    const halved = { ...fitted, batchSize: fitted.batchSize / 2, accumulation: fitted.accumulation * 2 };
    const halvedMs = await measure(halved.batchSize);
    if (halvedMs > WORTHWHILE_SHARE * passMs) break;
    fitted = halved;
    passMs = halvedMs;
  }
  return fitted;
}

/** Halving is worthwhile if half the work takes less than this share of the time. */
const WORTHWHILE_SHARE = 0.8;

/**
 * Times passes for {@link fitMicroBatch} on the current backend. The first pass, which compiles kernels, is not
 * counted.
 */
export function passTimer(
  model: ModelConfig,
  sft: SftConfig,
  examples: readonly Example[],
  now: () => number,
): (sequences: number) => Promise<number> {
  return async (sequences) => {
    const accumulation = Math.ceil((sft.batchSize * sft.accumulation) / sequences);
    // Updates are sorted by length before they are split, so the last part has the longest sequences.
    const batch = sftBatches({ ...sft, batchSize: sequences, accumulation }, examples)(0).at(-1);
    if (batch === undefined) return 0;
    const weights = loadWeights(model, initialWeights(model, new Rng(sft.seed)));
    const pass = async (): Promise<number> => {
      const startMs = now();
      const loss = (): tf.Scalar => sftLoss({ config: model, weights, precision: sft.precision }, batch);
      tf.dispose(tf.variableGrads(loss, [...weights.values()]));
      await waitForBackend();
      return now() - startMs;
    };
    try {
      await pass();
      await measureVariants(); // as the run does, so that the fastest kernels are timed
      return await pass();
    } finally {
      disposeWeights(weights);
    }
  };
}
