/**
 * The optimizer on the backends that need no GPU (on WebGPU: `test/gpu`), and the learning-rate schedule.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { isTrainable } from '../../../src/optim/loss-scale.ts';
import { learningRateAt } from '../../../src/optim/schedule.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { ADAMW_CASES } from '../../reference/judge-adamw.ts';
import { warmupCosineReference } from '../../reference/optimizer-reference.ts';

describe.each(['cpu', 'wasm'] as const)('AdamW on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(ADAMW_CASES)('$title', ({ judge }) => judge());
});

describe('learningRateAt', () => {
  const schedule = { peakLearningRate: 0.02, warmupSteps: 5, totalSteps: 40, finalFraction: 0.1 };
  const reference = { peak: 0.02, floor: 0.002, warmupSteps: 5, totalSteps: 40 };

  it('rises one step ahead of the reference, so that the first update is not 0', () => {
    for (let step = 0; step < 5; step++) {
      expectClose([learningRateAt(step, schedule)], [warmupCosineReference(step + 1, reference)], { absolute: 1e-15 });
    }
  });

  it('falls like the reference and stays at the floor', () => {
    for (let step = 5; step < 60; step++) {
      expectClose([learningRateAt(step, schedule)], [warmupCosineReference(step, reference)], { absolute: 1e-15 });
    }
    expectClose([learningRateAt(1e6, schedule)], [0.002], { absolute: 1e-15 });
  });

  it('works without warm-up', () => {
    expect(learningRateAt(0, { ...schedule, warmupSteps: 0 })).toBe(0.02);
  });
});

describe('isTrainable', () => {
  const scaledBy = (scale: number) => ({ scale, good: 0, skipped: 3 });

  it.each([
    [1, 1, undefined, true],
    [NaN, 1, undefined, false],
    [1, Infinity, undefined, false],
    [1, NaN, scaledBy(1), true], // an update that was skipped
    [1, NaN, scaledBy(0.5), false],
    [Infinity, 1, scaledBy(1), false],
  ])('loss %d, norm %d, scale %o: %s', (loss, norm, lossScale, expected) => {
    expect(isTrainable(loss, norm, lossScale)).toBe(expected);
  });
});
