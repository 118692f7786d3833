/** The benchmark of a step in WebAssembly: kernels and composites do the same work, and what each takes is counted. */
import { expect, it } from 'vitest';
import { nodeSurroundings } from '../../bench/node-surroundings.ts';
import { runContest } from '../../bench/train-contest.ts';

it('has the same losses by kernels and by composites, and counts fewer calls and bytes by kernels', async () => {
  const { result } = await runContest(
    {
      work: { shape: 'L=2,C=32,H=2,K=2,D=16,F=64,V=64,B=4,T=64' },
      backend: 'wasm',
      peers: ['ours', 'composites'],
      repeats: 1,
      warmUp: 1,
      products: false,
      precision: 'f32',
    },
    nodeSurroundings(undefined),
  );
  const { ours, composites } = result;
  expect(result.lossDifference).toBeLessThan(1e-4);
  expect(ours?.threads).toBe(1);
  expect(ours?.kernelCalls).toBeLessThan((composites?.kernelCalls ?? NaN) / 2);
  expect(ours?.peakBytes).toBeLessThan(composites?.peakBytes ?? NaN);
});
