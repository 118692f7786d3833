/**
 * The benchmarks run on WebGPU: every peer does the same work, and every op has a kernel and a composite. Times are not
 * tested.
 */
import { beforeAll, expect, it } from 'vitest';
import { type BenchBackends, openBackendPair } from '../bench/backend-pair.ts';
import { benchKernels, kernelsReport } from '../bench/kernels-bench.ts';
import type { Surroundings } from '../bench/surroundings.ts';
import { PEER_NAMES, runContest } from '../bench/train-contest.ts';
import { trainReport } from '../bench/train-report.ts';
import { makeWork } from '../bench/work.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

const SHAPE = 'L=1,C=16,H=2,K=2,D=8,F=32,V=64,B=2,T=16';

describeGpu('benchmarks on WebGPU', () => {
  let surroundings: Surroundings;
  beforeAll(async () => {
    openGpu();
    const backends: BenchBackends = await openBackendPair('webgpu', '', 'some adapter');
    surroundings = {
      openBackends: () => Promise.resolve(backends),
      say: () => undefined,
      cpuMs: () => Promise.resolve(performance.now()),
      readModel: () => Promise.reject(new Error('This test answers with no model.')),
      openLab: () => Promise.reject(new Error('This test opens both backends.')),
      machine: { engine: 'a test', processors: 1 },
    };
  });

  it('have three peers with the same losses, and count the dispatches of each', async () => {
    const work = { shape: SHAPE };
    const peers = PEER_NAMES.filter((name) => name !== 'composites'); // only on wasm
    const steps = { peers, repeats: 1, warmUp: 1, products: false, precision: 'f32' } as const;
    const contest = { work, backend: 'webgpu', ...steps } as const;
    const outcome = await runContest(contest, surroundings);
    const { ours, tfjs, jaxjs, lossDifference, ratio } = outcome.result;
    expect(lossDifference).toBeLessThan(1e-4);
    const dispatches = [ours, tfjs, jaxjs].map((peer) => peer?.dispatches ?? NaN);
    expect(dispatches[0]).toBeLessThan((dispatches[1] ?? NaN) / 2);
    expect(dispatches[2]).toBeGreaterThan(0);
    expect(ours?.peakBytes).toBeGreaterThan(4 * 3 * makeWork(work).parameters); // weights and two moments
    expect(ratio).toBeGreaterThan(0);
    expect(trainReport(makeWork(work), outcome).join('\n')).toMatch(/ours .*tfjs .*jaxjs .*ours \/ faster peer/su);
  });

  it('run every op as a kernel and as a composite', async () => {
    const results = await benchKernels({ work: { shape: SHAPE }, repeats: 1 }, surroundings);
    const names = results.map(({ op }) => op);
    expect(new Set(names).size).toBe(names.length);
    for (const word of [
      'linear [',
      'causalAttention',
      'AdamW',
      'cachedAttention',
      'labelLogProbs',
      'int4',
      'a token',
    ]) {
      expect(names.some((name) => name.includes(word))).toBe(true);
    }
    expect(results.flatMap(({ kernel, composite }) => [kernel.clockMs, composite.clockMs]).every((ms) => ms >= 0)).toBe(
      true,
    );
    expect(kernelsReport(results)).toHaveLength(results.length + 6);
  });
});
