/** Inside an answer on WebGPU, where attention is a fused kernel that holds no shares. */
import { beforeAll, it } from 'vitest';
import { disposeLabModel, type LabModel } from '../../src/infer/lab-model.ts';
import type { Pair } from '../../src/relevance/pair/pair.ts';
import { useWebGpu } from '../reference/backends.ts';
import { judgeAttention, judgeEntropies, judgeInside } from '../reference/judge-inside.ts';
import { SMALL_WORLD, smallLabModel } from '../reference/small-lab-model.ts';
import { describeGpu, DEVICES, openGpu } from '../setup/dawn.ts';

describeGpu.each(DEVICES)('inside an answer on a WebGPU device of kind "%s"', (kind) => {
  beforeAll(async () => {
    await useWebGpu(openGpu(), kind);
  });

  it.each([
    ['is what its passes compute', judgeInside],
    ['is attention that reproduces the output of each layer', judgeAttention],
    ['are the entropies of the passes that wrote the tokens', judgeEntropies],
  ] as const)('%s', async (_, judge: (model: LabModel, pair: Pair) => Promise<void>) => {
    const model = smallLabModel();
    const [pair] = [...SMALL_WORLD.pairs('test', 0, 1)];
    if (pair === undefined) throw new Error('The world has no pair.');
    await judge(model, pair);
    disposeLabModel(model);
  });
});
