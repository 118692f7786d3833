/** The counted cost of a training step against the kernels and the memory of a real step. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../../src/config/model-config.ts';
import { makeTrainingBatch, type TrainingBatch } from '../../../src/data/batches.ts';
import { computedBy, countStep } from '../../../src/gpu/step-cost.ts';
import type { StepCost, StepShape } from '../../../src/gpu/step-work.ts';
import { disposeWeights, initialWeights, loadWeights, type Weights } from '../../../src/model/weights.ts';
import { AdamW } from '../../../src/optim/adamw.ts';
import { sftLoss } from '../../../src/train/sft.ts';
import { useBackend } from '../../reference/backends.ts';
import { DataLedger } from '../../reference/data-ledger.ts';

const QWEN3: ModelConfig = {
  vocabSize: 64,
  width: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  hidden: 32,
  maxPositions: 64,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

const MODELS: readonly (readonly [string, ModelConfig])[] = [
  ['one layer', QWEN3],
  ['three layers', { ...QWEN3, vocabSize: 90, width: 20, layers: 3, heads: 6, kvHeads: 2, headDim: 6, hidden: 28 }],
  ['a Llama', { ...QWEN3, layers: 2, kvHeads: 2, hidden: 40, qkNorm: false, tiedEmbeddings: false }],
  ['a large vocabulary', { ...QWEN3, vocabSize: 2000 }],
  ['a Qwen2', { ...QWEN3, width: 24, heads: 3, qkNorm: false, attentionBias: true }],
];

/**
 * Sequences of 32 positions with completions of six tokens. With three sequences all rows are scored, with eight every
 * second.
 */
function makeBatch(sequences: number): TrainingBatch {
  const example = { prompt: new Int32Array(27), completion: new Int32Array(6) };
  return makeTrainingBatch(Array.from({ length: sequences }, () => example));
}

function costOf(config: ModelConfig, { B, T, rows }: TrainingBatch): StepCost {
  return countStep(config, { B, T, scoredRows: rows.length, microBatches: 1 }, computedBy());
}

/** Makes one update of a fresh model. */
function withStep(config: ModelConfig, batch: TrainingBatch, run: (step: () => void, weights: Weights) => void): void {
  const weights = loadWeights(config, initialWeights(config, new Rng(1)));
  const optimizer = new AdamW(weights, { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 });
  run(() => {
    const { value, grads } = tf.variableGrads(() => sftLoss({ config, weights }, batch), [...weights.values()]);
    const byName = [...weights].flatMap(([name, { name: key }]) => {
      const gradient = grads[key];
      return gradient === undefined ? [] : [[name, gradient] as const];
    });
    optimizer.apply(Object.fromEntries(byName), 1e-3).dispose();
    tf.dispose([value, grads]);
  }, weights);
  optimizer.dispose();
  disposeWeights(weights);
}

type Profile = Awaited<ReturnType<typeof tf.profile>>;
type Kernels = Pick<StepCost, 'matmulFlops' | 'attentionFlops' | 'trafficBytes' | 'launches'>;

/** Sums the cost of the kernels of a step. Reshaping and cloning launch none; `forward` is a group of kernels. */
function addUp(kernels: Profile['kernels']): Kernels {
  const sum = { matmulFlops: 0, attentionFlops: 0, trafficBytes: 0, launches: 0 };
  for (const { name, inputShapes, outputShapes } of kernels) {
    if (['forward', 'Reshape', 'Identity'].includes(name)) continue;
    sum.launches += 1;
    // An unused optional input is listed as null.
    const inputs = (inputShapes as (number[] | null)[]).filter((shape) => shape !== null);
    const [output = []] = outputShapes;
    if (name === 'BatchMatMul') {
      // Each element of the output is the inner product of a row and a column.
      const inner = sizeOf(inputs[0] ?? []) / sizeOf(output.slice(0, -1));
      // Only attention multiplies batches of matrices.
      sum[output.length === 2 ? 'matmulFlops' : 'attentionFlops'] += 2 * sizeOf(output) * inner;
    } else if (name === 'Slice') {
      sum.trafficBytes += 4 * 2 * sizeOf(output); // reads only what it returns
    } else {
      sum.trafficBytes += 4 * [...inputs, ...outputShapes].reduce((total, shape) => total + sizeOf(shape), 0);
    }
  }
  return sum;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const WAYS = ['composites', 'kernels', 'wasm-kernels'] as const;

describe('the counted cost of a step', () => {
  beforeAll(() => useBackend('cpu'));

  describe.each(MODELS)('of %s', (_, config) => {
    it.each([3, 8])(
      'has the exact products and the approximate launches and traffic of its kernels, with %i sequences',
      async (n) => {
        const batch = makeBatch(n);
        const cost = costOf(config, batch);
        let profiled: Promise<Profile> | undefined;
        withStep(config, batch, (step) => {
          profiled = tf.profile(() => {
            step();
            return tf.scalar(0);
          });
        });
        const kernels = addUp((await profiled)?.kernels ?? []);
        expect(cost.matmulFlops).toBe(kernels.matmulFlops);
        expect(cost.attentionFlops).toBe(kernels.attentionFlops);
        expect(cost.launches / kernels.launches).toBeCloseTo(1, 1);
        expect(cost.trafficBytes / kernels.trafficBytes).toBeGreaterThan(0.85);
        expect(cost.trafficBytes / kernels.trafficBytes).toBeLessThan(1.15);
      },
    );
  });

  describe.each(['cpu', 'wasm'] as const)('in memory, on %s', (backend) => {
    beforeAll(() => useBackend(backend));

    it.each(MODELS)('is at least the memory of a step of %s, and not much more', (_, config) => {
      for (const batch of [makeBatch(3), makeBatch(8)]) {
        const { memoryBytes } = costOf(config, batch);
        const ledger = new DataLedger();
        withStep(config, batch, (step) => step());
        ledger.stop();
        expect(memoryBytes).toBeGreaterThanOrEqual(ledger.peakBytes);
        expect(memoryBytes).toBeLessThan(1.4 * ledger.peakBytes);
      }
    });
  });

  it('is that of AdamW for a tiny batch: weights, moments, mask and the vectors of an update', () => {
    const { memoryBytes } = countStep(QWEN3, { B: 1, T: 1, scoredRows: 1, microBatches: 1 }, 'composites');
    expect(memoryBytes).toBe(4 * (4 + 21) * countParameters(QWEN3));
  });

  it.each(WAYS)('counts products per micro-batch and the update once, by %s', (by) => {
    const shape = { B: 2, T: 16, scoredRows: 12 };
    const [one, three] = [1, 3].map((microBatches) => countStep(QWEN3, { ...shape, microBatches }, by));
    expect(three?.matmulFlops).toBe(3 * (one?.matmulFlops ?? NaN));
    expect(three?.trafficBytes).toBeLessThan(3 * (one?.trafficBytes ?? NaN));
    expect(three?.largestTensorBytes).toBe(one?.largestTensorBytes);
  });
});

const size = fc.integer({ min: 1, max: 9 });
const shapes = fc.record<StepShape>({ B: size, T: size, scoredRows: size, microBatches: size });
const models = fc
  .record({ vocabSize: size, width: size, layers: size, kvHeads: size, headDim: size, hidden: size })
  .map((sizes): ModelConfig => ({ ...QWEN3, ...sizes, heads: 2 * sizes.kvHeads, headDim: 2 * sizes.headDim }));
const costs = [
  'matmulFlops',
  'attentionFlops',
  'trafficBytes',
  'launches',
  'memoryBytes',
  'largestTensorBytes',
] as const;

describe.each(WAYS)('by %s a step costs more', (by) => {
  it.each(['B', 'T', 'scoredRows', 'microBatches'] as const)('the larger %s', (axis) => {
    fc.assert(
      fc.property(models, shapes, (model, shape) => {
        expectGrowth(countStep(model, shape, by), countStep(model, { ...shape, [axis]: shape[axis] + 1 }, by));
      }),
    );
  });

  it.each(['vocabSize', 'width', 'layers', 'headDim', 'hidden'] as const)('the larger its %s', (axis) => {
    fc.assert(
      fc.property(models, shapes, (model, shape) => {
        expectGrowth(countStep(model, shape, by), countStep({ ...model, [axis]: model[axis] + 2 }, shape, by));
      }),
    );
  });
});

/** No cost falls; products and traffic rise. */
function expectGrowth(less: StepCost, more: StepCost): void {
  for (const cost of costs) expect(more[cost], cost).toBeGreaterThanOrEqual(less[cost]);
  expect(more.matmulFlops).toBeGreaterThan(less.matmulFlops);
  expect(more.trafficBytes).toBeGreaterThan(less.trafficBytes);
}
