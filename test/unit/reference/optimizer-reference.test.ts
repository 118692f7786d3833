/**
 * Clipping, AdamW and the schedule against what PyTorch did, step by step.
 */
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../reference/expect-close.ts';
import {
  adamWStart,
  adamWStepReference,
  clipByGlobalNormReference,
  globalNormReference,
  warmupCosineReference,
} from '../../reference/optimizer-reference.ts';
import { at } from '../../reference/tensor64.ts';
import { loadOptimizerFixture } from '../../reference/torch-fixture.ts';

describe('optimizer references', () => {
  const { options, start, steps } = loadOptimizerFixture();

  it('follow PyTorch through clipped and unclipped steps', () => {
    expect(steps.some(({ norm }) => norm < options.maxNorm) && steps.some(({ norm }) => norm > options.maxNorm)).toBe(
      true,
    );
    let states = start.map(adamWStart);
    for (const [i, { gradients, norm, learningRate, parameters }] of steps.entries()) {
      expectClose([globalNormReference(gradients)], [norm], { absolute: 1e-12 }, `norm of step ${i}`);
      expectClose(
        [warmupCosineReference(i, options)],
        [learningRate],
        { absolute: 1e-12 },
        `learning rate of step ${i}`,
      );
      const clipped = clipByGlobalNormReference(gradients, options.maxNorm);
      states = states.map((state, p) => adamWStepReference(state, at(clipped, p), { ...options, learningRate }));
      // PyTorch divides by norm + 1e-6 when it clips, which Adam's scale invariance nearly cancels.
      for (const [p, { parameter }] of states.entries()) {
        expectClose(parameter, at(parameters, p), { absolute: 1e-7 }, `parameter ${p} after step ${i}`);
      }
    }
  });

  it('take a first step of the learning rate against the sign of the gradient', () => {
    const options1 = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, eps: 0, weightDecay: 0 };
    expectClose(adamWStepReference(adamWStart([1, 1]), [1e-3, -50], options1).parameter, [0.9, 1.1], {
      absolute: 1e-12,
    });
  });

  it('shrink a parameter without gradient by lr * weightDecay', () => {
    const options1 = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.5 };
    expectClose(adamWStepReference(adamWStart([2]), [0], options1).parameter, [1.9], { absolute: 1e-12 });
  });

  it('clip to the norm in the same direction, and leave short gradients alone', () => {
    expect(clipByGlobalNormReference([[3], [4]], 10).map((g) => Array.from(g))).toEqual([[3], [4]]);
    expectClose(
      clipByGlobalNormReference([[3], [4]], 1).flatMap((g) => Array.from(g)),
      [0.6, 0.8],
      { absolute: 1e-12 },
    );
  });

  it('end the schedule at its floor and stay there', () => {
    const schedule = { peak: 1, floor: 0.1, warmupSteps: 4, totalSteps: 10 };
    expectClose(
      [0, 2, 4, 7, 10, 99].map((step) => warmupCosineReference(step, schedule)),
      [0, 0.5, 1, 0.55, 0.1, 0.1],
      { absolute: 1e-12 },
    );
  });
});
