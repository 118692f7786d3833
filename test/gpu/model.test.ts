/**
 * The ops and the decoder on WebGPU: on a device with all features of the adapter, and on one with default limits and
 * no features (no f16, no subgroups), like the least capable browser.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useWebGpu, type DeviceKind } from '../reference/backends.ts';
import { ADAMW_CASES } from '../reference/judge-adamw.ts';
import { judgeGeneration, judgeScores } from '../reference/judge-inference.ts';
import {
  compressedModel,
  fixtureModel,
  judgeCache,
  judgeLogits,
  judgeMixedTraining,
  judgeTrainingBySlopes,
  judgeTrainingByTorch,
  randomModel,
} from '../reference/judge-model.ts';
import { judgeOp } from '../reference/judge-op.ts';
import { EXTREME_CASES, LARGE_OP_CASES, OP_CASES } from '../reference/op-cases.ts';
import { whole } from '../setup/whole.ts';
import { TORCH_FIXTURES } from '../reference/torch-fixture.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

const DEVICES: readonly DeviceKind[] = ['full', 'least'];

describeGpu('WebGPU', () => {
  describe.each(DEVICES)('on a device of kind "%s"', (kind) => {
    let device: GPUDevice;
    const gpuErrors: string[] = [];
    beforeAll(async () => {
      device = await useWebGpu(openGpu(), kind);
      device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
    });
    // A pass that WebGPU rejects does not throw: the buffer keeps its old content, which may even be correct.
    afterEach(() => expect(gpuErrors).toEqual([]));

    it('has the features of its kind', () => {
      // The standard lists "core features and limits" as a feature.
      const features = [...device.features].filter((feature) => feature !== 'core-features-and-limits');
      if (kind === 'least') expect(features).toEqual([]);
      else expect(features.length).toBeGreaterThan(0);
    });

    describe('ops', () => {
      it.each(OP_CASES)('$title', judgeOp);
      whole.each(LARGE_OP_CASES)('$title', judgeOp);
      it.each(EXTREME_CASES)('$title', judgeOp);
    });

    describe('AdamW', () => {
      it.each(ADAMW_CASES)('$title', ({ judge }) => judge());
    });

    describe.each(TORCH_FIXTURES)('the decoder with the weights of %s', (name) => {
      it('gives the logits of the reference, in one row and in a padded batch', async () => {
        using judged = fixtureModel(name);
        await judgeLogits(judged);
      });

      it('gives the loss and all gradients of PyTorch', async () => {
        using judged = fixtureModel(name);
        await judgeTrainingByTorch(judged, name);
      });

      it('gives the same logits in pieces over a cache', async () => {
        using judged = fixtureModel(name);
        await judgeCache(judged, [5, 1, 1, 7, 1, 2]);
      });

      it('scores and completes like the reference', async () => {
        using judged = fixtureModel(name);
        await judgeScores(judged);
        await judgeGeneration(judged);
      });
    });

    it.each(['f16', 'int8', 'int4'] as const)('answers with matrices in %s like the reference', async (precision) => {
      using judged = compressedModel(precision);
      await judgeLogits(judged);
      await judgeScores(judged);
      await judgeGeneration(judged);
    });

    it.each(['tiny', 'odd', 'tile-crossing'] as const)(
      'gives the logits and slopes of the reference in shape %s',
      async (shape) => {
        using judged = randomModel(shape);
        await judgeLogits(judged);
        await judgeTrainingBySlopes(judged);
      },
    );

    it.each(['grouped', 'tile-crossing'] as const)('trains in mixed precision close to float32: %s', async (shape) => {
      using judged = randomModel(shape);
      await judgeMixedTraining(judged);
    });
  });
});
