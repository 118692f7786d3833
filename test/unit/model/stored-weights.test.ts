/**
 * Quantised weights in files: they round-trip, and inconsistent tensors are rejected by name.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { Rng } from '../../../src/common/rng.ts';
import type { ModelConfig } from '../../../src/config/model-config.ts';
import {
  bytesOf,
  loadForAnswering,
  quantiseWeights,
  readStoredWeights,
  toFileTensors,
  toFloats,
  toTrainable,
} from '../../../src/model/stored-weights.ts';
import { disposeWeights, initialWeights } from '../../../src/model/weights.ts';
import { useBackend } from '../../reference/backends.ts';

const CONFIG: ModelConfig = {
  vocabSize: 20,
  width: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 6, // a map of 12 columns, which no group size divides
  hidden: 24,
  maxPositions: 8,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};
const NAME = 'model.layers.0.mlp.up_proj.weight';
const floats = initialWeights(CONFIG, new Rng(3));

describe.each([4, 8] as const)('weights in %i bits', (bits) => {
  const quantised = quantiseWeights(floats, bits);

  it('round-trip through a file', () => {
    const read = readStoredWeights(writeSafetensors(toFileTensors(quantised)));
    expect(new Set(read.keys())).toEqual(new Set(floats.keys()));
    expect(toFloats(read)).toEqual(new Map([...read.keys()].map((name) => [name, toFloats(quantised).get(name)])));
  });

  it('have another shape in a file than the weights they represent, so that no program reads them as floats', () => {
    const shapes = new Map([...floats].map(([name, { shape }]) => [name, shape.join()]));
    const whole = toFileTensors(quantised).filter(({ dtype }) => dtype === 'I8' || dtype === 'U8');
    expect(whole.length).toBeGreaterThan(0);
    for (const { name, shape } of whole) expect(shape.join(), name).not.toBe(shapes.get(name));
  });

  it('are read from files of older versions, which have no group axis', () => {
    const older = toFileTensors(quantised).map((tensor) => {
      const [O = 0, groups = 0, size] = tensor.shape;
      return size === undefined ? tensor : { ...tensor, shape: [O, groups * size] };
    });
    const read = readStoredWeights(writeSafetensors(older));
    expect(toFloats(read)).toEqual(new Map([...read.keys()].map((name) => [name, toFloats(quantised).get(name)])));
  });

  it('cannot be trained', () => {
    expect(() => toTrainable(quantised)).toThrow(/quantised model cannot be trained.*made from/su);
    expect(toTrainable(floats)).toEqual(toFloats(floats));
  });

  it('are exactly the matrices whose rows divide into groups', () => {
    const whole = [...quantised].filter(([, tensor]) => 'bits' in tensor).map(([name]) => name);
    const matrices = [...floats].filter(([, { shape }]) => shape.length === 2).map(([name]) => name);
    expect(whole).toEqual(matrices.filter((name) => !name.endsWith('o_proj.weight')));
  });

  it('take the bytes of their numbers and scales', () => {
    const matrices = [...floats].filter(([name, { shape }]) => shape.length === 2 && !name.endsWith('o_proj.weight'));
    const total = [...floats].reduce((sum, [, { data }]) => sum + 4 * data.length, 0);
    const saved = matrices.reduce((sum, [, { data, shape }]) => {
      const groupSize = shape[1] === 24 ? 8 : 16;
      return sum + 4 * data.length - (data.length * bits) / 8 - (2 * data.length) / groupSize;
    }, 0);
    expect(bytesOf(quantised)).toBe(total - saved);
    expect(bytesOf(floats, 'f32')).toBe(total);
  });

  it('are rejected without their scales, or with scales of another shape', () => {
    const tensors = toFileTensors(quantised);
    const scales = `${NAME}.scales`;
    const without = tensors.filter(({ name }) => name !== scales);
    expect(() => readStoredWeights(writeSafetensors(without))).toThrow(/up_proj\.weight has integers.*scales missing/s);
    const other = tensors.map((tensor) => (tensor.name === scales ? { ...tensor, shape: [12, 2] } : tensor));
    expect(() => readStoredWeights(writeSafetensors(other))).toThrow(
      /up_proj\.weight.*\[24, 1\].*scales F16 \[12, 2\]/s,
    );
    const regrouped = tensors.map((tensor) => (tensor.name === NAME ? { ...tensor, shape: [24, 2, bits] } : tensor));
    expect(() => readStoredWeights(writeSafetensors(regrouped))).toThrow(/up_proj\.weight.*cannot be read/su);
  });
});

describe('loading for inference', () => {
  beforeAll(() => useBackend('cpu'));

  it('rejects a quantised matrix whose shape differs from the config', () => {
    const other = quantiseWeights(initialWeights({ ...CONFIG, hidden: 32 }, new Rng(1)), 8);
    expect(() => loadForAnswering(CONFIG, other)).toThrow(/gate_proj|up_proj/);
  });

  it('gives plain weights where there are no kernels', async () => {
    const quantised = quantiseWeights(floats, 8);
    const { weights, compressed } = loadForAnswering(CONFIG, quantised);
    expect(compressed).toBeUndefined();
    expect(await weights.get(NAME)?.data()).toEqual(toFloats(quantised).get(NAME)?.data);
    disposeWeights(weights);
  });
});
