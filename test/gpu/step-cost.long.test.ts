/** The predicted cost of a training step by kernels against the dispatches of a real step. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { makeTrainingBatch } from '../../src/data/batches.ts';
import { measureRates } from '../../src/gpu/calibration.ts';
import { backendMemory, waitForBackend } from '../../src/gpu/current-backend.ts';
import { countStep } from '../../src/gpu/step-cost.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import { TIMED_OPS } from '../../src/ops/timed-ops.ts';
import { AdamW } from '../../src/optim/adamw.ts';
import { sftLoss } from '../../src/train/sft.ts';
import { useWebGpu } from '../reference/backends.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';
import { type Dispatched, DispatchLedger } from './dispatch-ledger.ts';

const QWEN3: ModelConfig = {
  vocabSize: 256,
  width: 64,
  layers: 1,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  hidden: 128,
  maxPositions: 64,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

const MODELS: readonly (readonly [string, ModelConfig])[] = [
  ['one layer', QWEN3],
  ['three layers', { ...QWEN3, vocabSize: 96, layers: 3, heads: 6, headDim: 8, hidden: 160 }],
  ['a Llama', { ...QWEN3, layers: 2, kvHeads: 4, qkNorm: false, tiedEmbeddings: false }],
  ['a large vocabulary', { ...QWEN3, vocabSize: 2000 }],
  ['a Qwen2', { ...QWEN3, width: 96, heads: 3, kvHeads: 1, qkNorm: false, attentionBias: true }],
];

describeGpu('the cost of a step by kernels', () => {
  let ledger: DispatchLedger;
  beforeAll(async () => {
    const gpu = openGpu();
    ledger = new DispatchLedger();
    await useWebGpu(gpu, 'full');
  });
  afterAll(() => ledger.stop());

  // Runs first, while nothing else is allocated on the device.
  it('is close to the allocated bytes and never below them', async () => {
    const config = { ...QWEN3, vocabSize: 1024, width: 128, layers: 2, hidden: 384 };
    const { shape, bytes } = await dispatchesOf(config, 24);
    const { memoryBytes } = countStep(config, shape, 'kernels');
    expect(bytes).toBeLessThan(memoryBytes);
    expect(bytes).toBeGreaterThan(0.6 * memoryBytes);
  });

  it.each(MODELS)('matches the dispatches and the traffic of %s', async (_, config) => {
    // Three sequences score all rows, eight score every second row.
    for (const sequences of [3, 8]) {
      const { kernels, shape } = await dispatchesOf(config, sequences);
      const cost = countStep(config, shape, 'kernels');
      const all = [...kernels];
      const launches = all.reduce((sum, [, { calls }]) => sum + calls, 0);
      expect(Math.abs(cost.launches / launches - 1), `${cost.launches} of ${launches} dispatches`).toBeLessThan(0.05);

      // AdamW's bindings do not show which buffers it reads and which it writes.
      const others = all.filter(([name]) => !/matmul|attention|adamw/.test(name));
      const bytes = others.reduce((sum, [, kernel]) => sum + kernel.bytes, 0);
      const counted = cost.trafficBytes - 4 * 10 * countParameters(config);
      expect(counted / bytes, `${counted} of ${bytes} bytes`).toBeGreaterThan(0.8);
      expect(counted / bytes, `${counted} of ${bytes} bytes`).toBeLessThan(1.05);
    }
  });

  it('uses rates of the same kernels', async () => {
    const before = tf.memory().numTensors;
    const { by, ...rates } = await measureRates(TIMED_OPS);
    expect(by).toBe('kernels');
    expect(Object.values(rates).every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  /** Records the second of two updates, because the first compiles. */
  async function dispatchesOf(config: ModelConfig, sequences: number) {
    const example = { prompt: new Int32Array(27), completion: new Int32Array(6) };
    const batch = makeTrainingBatch(Array.from({ length: sequences }, () => example));
    const weights = loadWeights(config, initialWeights(config, new Rng(1)));
    const optimizer = new AdamW(weights, { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 });
    let kernels = new Map<string, Dispatched>();
    for (let i = 0; i < 2; i++) {
      ledger.kernels.clear();
      const { value, grads } = tf.variableGrads(() => sftLoss({ config, weights }, batch), [...weights.values()]);
      const byName = [...weights].map(([name, { name: key }]) => [name, grads[key] ?? tf.scalar(0)] as const);
      tf.dispose([optimizer.apply(Object.fromEntries(byName), 1e-3), value, grads]);
      await waitForBackend();
      kernels = new Map(ledger.kernels);
    }
    const { bytes } = backendMemory();
    optimizer.dispose();
    disposeWeights(weights);
    const shape = { B: batch.B, T: batch.T, scoredRows: batch.rows.length, microBatches: 1 };
    return { kernels, shape, bytes };
  }
});
