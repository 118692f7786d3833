/** Exact resuming on WebGPU: no float atomics, no order that changes from run to run. */
import { beforeAll, it } from 'vitest';
import { useWebGpu } from '../reference/backends.ts';
import { judgeOverflow, judgeResume } from '../reference/sft-runs.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('SFT on WebGPU', () => {
  beforeAll(async () => {
    await useWebGpu(openGpu(), 'full');
  });

  it('goes on bit for bit from a saved checkpoint', () => judgeResume(1));

  it('goes on bit for bit in mixed precision', () => judgeResume(2, 'mixed'));

  it('skips updates that overflow in mixed precision, and goes on bit for bit', judgeOverflow);
});
