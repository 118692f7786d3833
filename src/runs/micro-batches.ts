/**
 * The sizes of training steps: as they are expected, as they are in given data, and as a GPU should have them.
 *
 * A GPU cannot be interrupted inside a micro-batch, so that the desktop stays responsive only if each is short. The
 * split is measured once, when a run is new, and stands in its settings from then on: what a run computes must not
 * depend on how busy a machine was.
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

/** What a pair of the rule world takes with a small vocabulary, before there is any data: positions and scored rows. */
const TYPICAL_POSITIONS = 80;
const TYPICAL_SCORED_ROWS = 16;

/** The step to expect before there is data. */
export function expectedStep(sft: SftConfig, model: ModelConfig): StepShape {
  return {
    B: sft.batchSize,
    T: Math.min(TYPICAL_POSITIONS, model.maxPositions),
    scoredRows: TYPICAL_SCORED_ROWS * sft.batchSize,
    microBatches: sft.accumulation,
  };
}

/** Micro-batches that the mean step is taken over, unless there are fewer in an epoch. */
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
 * Halves the micro-batch until a pass takes at most `budgetMs`, and leaves off where halving saves little: then the time
 * goes into starting kernels, whose number does not change.
 *
 * @param measure - milliseconds of a forward and backward pass of so many sequences
 * @returns the same settings with as many sequences per update
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

/** Half the work should take well below this share of the time. */
const WORTHWHILE_SHARE = 0.8;

/** A measure for {@link fitMicroBatch} on the current backend. The first pass, which compiles, is not counted. */
export function passTimer(
  model: ModelConfig,
  sft: SftConfig,
  examples: readonly Example[],
  now: () => number,
): (sequences: number) => Promise<number> {
  return async (sequences) => {
    const accumulation = Math.ceil((sft.batchSize * sft.accumulation) / sequences);
    // Updates are cut by length: the last part has the longest sequences.
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
      await measureVariants(); // the run will have the fastest kernels
      return await pass();
    } finally {
      disposeWeights(weights);
    }
  };
}
