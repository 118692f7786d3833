/** Training steps of many lengths on WebGPU: neither tensors nor GPU buffer bytes grow with the number of steps. */
import { beforeAll, expect, it } from 'vitest';
import { useWebGpu } from '../reference/backends.ts';
import { memoryOverSteps } from '../reference/mixed-length-steps.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('memory on WebGPU', () => {
  beforeAll(async () => {
    await useWebGpu(openGpu(), 'full');
  });

  it('stays flat over 2,000 steps of mixed lengths', async () => {
    const seen = await memoryOverSteps();
    // A buffer pool keyed by exact sizes would grow by about the same amount in every round.
    const [first, ...later] = seen;
    expect(later).toHaveLength(19);
    for (const { tensors, bytes } of later) {
      expect(tensors).toBe(first?.tensors);
      expect(bytes).toBeLessThanOrEqual(1.25 * (first?.bytes ?? NaN));
    }
  });
});
