/** The split of steps for a GPU, with a simulated timer. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { MODEL_PRESETS } from '../../../src/config/presets.ts';
import { SftConfigSchema } from '../../../src/config/sft-config.ts';
import { expectedStep, fitMicroBatch, meanStep } from '../../../src/runs/micro-batches.ts';
import { learnableExamples } from '../../reference/sft-runs.ts';

const SFT = v.parse(SftConfigSchema, { batchSize: 64, accumulation: 2 });

/** A GPU that takes `fixedMs` for any pass, plus `msPerSequence`. */
async function fitted(fixedMs: number, msPerSequence: number, sft = SFT) {
  const measured: number[] = [];
  const fit = await fitMicroBatch(sft, 30, async (sequences) => {
    await Promise.resolve();
    measured.push(sequences);
    return fixedMs + msPerSequence * sequences;
  });
  return { batchSize: fit.batchSize, accumulation: fit.accumulation, measured };
}

describe('a micro-batch', () => {
  it('that is short enough is unchanged', async () => {
    expect(await fitted(5, 0.3)).toEqual({ batchSize: 64, accumulation: 2, measured: [64] });
  });

  it('is halved until it is, with the same number of sequences per update', async () => {
    expect(await fitted(5, 1.5)).toEqual({ batchSize: 16, accumulation: 8, measured: [64, 32, 16] });
  });

  it('is not halved where that saves little', async () => {
    expect(await fitted(50, 0.1)).toEqual({ batchSize: 64, accumulation: 2, measured: [64, 32] });
    expect(await fitted(25, 1)).toEqual({ batchSize: 16, accumulation: 8, measured: [64, 32, 16, 8] });
  });

  it('of an odd size is unchanged', async () => {
    const odd = v.parse(SftConfigSchema, { batchSize: 6 });
    expect(await fitted(0, 100, odd)).toEqual({ batchSize: 3, accumulation: 2, measured: [6, 3] });
  });

  it('changes nothing else of the settings', async () => {
    const fit = await fitMicroBatch(SFT, 30, (sequences) => Promise.resolve(sequences));
    expect(fit).toEqual({ ...SFT, batchSize: fit.batchSize, accumulation: fit.accumulation });
    expect(fit.batchSize * fit.accumulation).toBe(128);
  });
});

describe('the step to expect', () => {
  it('never has more positions than the model', () => {
    const model = { ...MODEL_PRESETS['lab-nano'], maxPositions: 48 };
    expect(expectedStep(SFT, model)).toEqual({ B: 64, T: 48, scoredRows: 1024, microBatches: 2 });
  });

  it('is the mean of the batches once there is data', () => {
    const sft = v.parse(SftConfigSchema, { batchSize: 8, accumulation: 3 });
    const shape = meanStep(sft, learnableExamples(40));
    expect(shape).toMatchObject({ B: 8, microBatches: 3 });
    // Sequences of 6 to 25 positions, padded to 16 or 32; three scored rows each, padded to 128 of the batch.
    expect(shape.T).toBeGreaterThanOrEqual(16);
    expect(shape.T).toBeLessThanOrEqual(32);
    expect(shape.scoredRows).toBe(128);
  });
});
