/** Reinforcement learning on a GPU: a resumed run ends with the same bits as an uninterrupted one. */
import { beforeAll, expect, it } from 'vitest';
import { disposeWeights, type TensorData } from '../../src/model/weights.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';
import { useBackend, useWebGpu } from '../reference/backends.ts';
import { expectSameWeights } from '../reference/expect-same-weights.ts';
import { type GrpoSettings, loadModel, makeTask, pretrain, runGrpo } from '../unit/train/grpo-runs.ts';

describeGpu('GRPO on webgpu', () => {
  const task = makeTask();
  let start: ReadonlyMap<string, TensorData>;
  beforeAll(async () => {
    await useBackend('wasm'); // much faster for so small a model
    start = await pretrain(task, 40);
    await useWebGpu(openGpu(), 'full');
  }, 120_000);

  it.each([
    ['f32', 1e-4],
    ['mixed', 0.02],
  ] as const)(
    'resumes bit for bit from a saved state, including rollouts and moments, in %s',
    async (precision, most) => {
      const N = 1;
      const settings: GrpoSettings = { steps: 2 * N, maxTokens: 6, kl: { kind: 'k3', beta: 0.05 }, precision };
      const reference = loadModel(start);
      const whole = await runGrpo(task, start, settings, 2 * N, undefined, { reference });
      const first = await runGrpo(task, start, settings, N, undefined, { reference });
      const second = await runGrpo(task, start, settings, 2 * N, first.state, { reference });
      disposeWeights(reference.weights);

      const withoutTimes = ({ records }: Pick<typeof whole, 'records'>): unknown[] =>
        records.map((record) => ({ ...record, times: null, tokensPerSec: null }));
      expect([...withoutTimes(first), ...withoutTimes(second)]).toEqual(withoutTimes(whole));
      // The sampler and the trainer score a sampled token with different kernels; the sampler always in f32.
      expect(whole.records).toHaveLength(2 * N);
      for (const { samplerGapNats } of whole.records) {
        expect(samplerGapNats).toBeGreaterThan(0);
        expect(samplerGapNats).toBeLessThan(most);
      }
      expect(second.state.optimizer).toEqual(whole.state.optimizer);
      expectSameWeights(second.state.weights, whole.state.weights);
    },
    120_000,
  );
});
