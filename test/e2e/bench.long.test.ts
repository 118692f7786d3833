/** The benchmarks' own page: the part that Node and a page share runs in a browser. Durations are not tested. */
import { expect, it } from 'vitest';
import { inChromium } from '../bench/chromium-bench.ts';
import { describeBrowser } from '../setup/chromium.ts';

const work = { shape: 'L=1,C=16,H=2,K=2,D=8,F=32,V=64,B=2,T=16' };
const steps = { peers: ['ours', 'tfjs', 'jaxjs'], repeats: 1, warmUp: 1, products: false, precision: 'f32' } as const;

describeBrowser('benchmarks in a page', () => {
  it('have peers that compute the same on WebGPU', async () => {
    const { result } = await inChromium('swiftshader', (page) => page.train({ work, backend: 'webgpu', ...steps }));
    const { ours, tfjs, jaxjs } = result;
    expect(result.adapter).toMatch(/swiftshader/iu);
    expect(result.lossDifference).toBeLessThan(1e-4);
    expect(ours?.dispatches).toBeLessThan((tfjs?.dispatches ?? NaN) / 2);
    for (const peer of [ours, tfjs, jaxjs]) expect(peer?.peakBytes).toBeGreaterThan(0);
  });

  it('do not take an adapter that Chromium does not have', async () => {
    await expect(inChromium('lavapipe', () => Promise.resolve())).rejects.toThrow(/swiftshader, or nothing for a GPU/u);
  });
});
