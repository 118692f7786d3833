/**
 * How the lab's decoder is judged, on whichever backend is current: its logits and its cache against the reference
 * decoder, its training loss and gradients against numbers of PyTorch where there are some, else against the slopes of
 * the reference.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { Rng } from '../../src/common/rng.ts';
import { floatsToHalves, halvesToFloats } from '../../src/checkpoint/float16.ts';
import { fromHuggingFaceConfig } from '../../src/config/model-config.ts';
import { makeTrainingBatch, type Example } from '../../src/data/batches.ts';
import { KvCache } from '../../src/model/kv-cache.ts';
import { forward, logits, type Transformer } from '../../src/model/transformer.ts';
import { loadForAnswering, type Precision, quantiseWeights, toFloats } from '../../src/model/stored-weights.ts';
import { disposeWeights, loadWeights, type TensorData } from '../../src/model/weights.ts';
import { disposeCompressed } from '../../src/ops/compressed.ts';
import { sftLoss } from '../../src/train/sft.ts';
import { expectClose } from './expect-close.ts';
import { finiteDifference } from './finite-difference.ts';
import { MODEL_SHAPES, randomWeights, type ModelShapeName } from './random-model.ts';
import { at, dot, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';
import { loadTorchFixture, readJson, type TorchFixtureName } from './torch-fixture.ts';
import {
  lossReference,
  transformerReference,
  weightOf,
  type ReferenceConfig,
  type ReferenceSequence,
  type ReferenceWeights,
} from './transformer-reference.ts';

/** float32 through a few layers, for logits of a size of about 10 and gradients of about 1. */
const TOLERANCE = { absolute: 3e-5, relative: 3e-5 };

/** A decoder on the current backend, what the reference needs to judge it, and its sequences. */
export interface JudgedModel extends Disposable {
  readonly model: Transformer;
  readonly config: ReferenceConfig;
  readonly weights: ReferenceWeights;
  readonly sequences: readonly ReferenceSequence[];
}

/** The model of a fixture, loaded from its very files. */
export function fixtureModel(name: TorchFixtureName): JudgedModel {
  const { config, weights, sequences } = loadTorchFixture(name);
  return judgedModel(readJson(`${name}/config.json`), config, weights, sequences);
}

/** A model of random weights with a sequence of 33 tokens, 9 of them completion, and a short one. */
export function randomModel(name: ModelShapeName): JudgedModel {
  const config = MODEL_SHAPES[name];
  const rng = new Rng(name);
  const sequences = [33, 6].map((length) => ({
    tokens: Array.from({ length }, () => rng.int(config.vocab_size)),
    isCompletion: Array.from({ length }, (_, t) => t >= Math.max(2, length - 9)),
  }));
  return judgedModel(config, config, randomWeights(config), sequences);
}

function judgedModel(
  json: unknown,
  config: ReferenceConfig,
  weights: ReferenceWeights,
  sequences: readonly ReferenceSequence[],
): JudgedModel {
  const labConfig = fromHuggingFaceConfig(json);
  const model = { config: labConfig, weights: loadWeights(labConfig, toTensorData(weights)) };
  return { model, config, weights, sequences, [Symbol.dispose]: () => disposeWeights(model.weights) };
}

/** A random model with its matrices in a precision, to be judged with the very weights that are left of it. */
export function compressedModel(precision: Precision): JudgedModel {
  const { config, weights, sequences, [Symbol.dispose]: dispose } = randomModel('grouped');
  dispose();
  const labConfig = fromHuggingFaceConfig(config);
  const floats = toTensorData(weights);
  const left = toFloats(precision === 'f16' ? halved(floats) : quantiseWeights(floats, precision === 'int8' ? 8 : 4));
  const meant = new Map([...left].map(([name, { shape, data }]) => [name, tensor64([...shape], [...data])]));
  const model = loadForAnswering(labConfig, floats, precision);
  return {
    model,
    config,
    weights: meant,
    sequences,
    [Symbol.dispose]: () => {
      disposeWeights(model.weights);
      for (const matrix of model.compressed?.values() ?? []) disposeCompressed(matrix);
    },
  };
}

function halved(floats: ReadonlyMap<string, TensorData>): Map<string, TensorData> {
  return new Map(
    [...floats].map(([name, { shape, data }]) => {
      return [name, { shape, data: shape.length === 2 ? halvesToFloats(floatsToHalves(data)) : data }];
    }),
  );
}

/** Every sequence alone and all of them in one padded batch give the same logits as the reference. */
export async function judgeLogits({ model, config, weights, sequences }: JudgedModel): Promise<void> {
  const longest = Math.max(...sequences.map(({ tokens }) => tokens.length));
  const together = await batchLogits(model, sequences, longest + 3);
  for (const [i, sequence] of sequences.entries()) {
    const expected = transformerReference(config, weights, sequence.tokens).data;
    const alone = at(await batchLogits(model, [sequence], sequence.tokens.length), 0);
    expectClose(alone.data, expected, TOLERANCE, `logits of sequence ${i} alone`);
    expectClose(at(together, i).data, expected, TOLERANCE, `logits of sequence ${i} in a padded batch`);
  }
}

/** A prefill followed by pieces of one token and of several, over a cache, gives the logits of the whole. */
export async function judgeCache(judged: JudgedModel, pieces: readonly number[]): Promise<void> {
  const { model, config, weights, sequences } = judged;
  const tokens = at(sequences, 1).tokens;
  const before = tf.memory().numTensors;
  const cache = new KvCache(model.config, 2, tokens.length + 2);
  const rows: Float64Array[] = [];
  for (const T of pieces) {
    const piece = tokens.slice(cache.length, cache.length + T);
    const ids = Int32Array.from([...piece, ...piece]);
    const both = await take(tf.tidy(() => logits(model, forward(model, { B: 2, T, ids }, cache))));
    rows.push(...rowsOf(both).slice(T)); // the second of two equal sequences
  }
  expect(cache.length).toBe(rows.length);
  const expected = transformerReference(config, weights, tokens.slice(0, rows.length));
  expectClose(stack(rows).data, expected.data, TOLERANCE, 'logits over the cache');
  cache.dispose();
  expect(tf.memory().numTensors, 'tensors left behind by the cache').toBe(before);
}

/** The training loss and its gradient by every weight are those of PyTorch. */
export async function judgeTrainingByTorch(judged: JudgedModel, name: TorchFixtureName): Promise<void> {
  const { lossNats, gradients } = loadTorchFixture(name);
  const got = await trainingGradients(judged);
  expectClose([got.loss], [lossNats], { absolute: 1e-5 }, 'loss');
  expect(gradients.size).toBe(got.gradients.size);
  for (const [key, { data }] of gradients) {
    expectClose(weightOf(got.gradients, key).data, data, TOLERANCE, `gradient of ${key}`);
  }
}

/** The training loss is the reference's, and along random directions it changes as the reference does. */
export async function judgeTrainingBySlopes(judged: JudgedModel): Promise<void> {
  const { config, weights, sequences } = judged;
  const got = await trainingGradients(judged);
  expectClose([got.loss], [lossReference(config, weights, sequences)], { absolute: 1e-5 }, 'loss');
  for (const [key, { shape, data }] of weights) {
    const rng = new Rng(key);
    const direction = data.map(() => rng.normal());
    const lossAlong = ([step = 0]: Float64Array) => {
      const moved = { shape, data: data.map((value, i) => value + step * at(direction, i)) };
      return lossReference(config, new Map(weights).set(key, moved), sequences);
    };
    const slope = dot(weightOf(got.gradients, key).data, direction);
    const tolerance = { absolute: 3e-6 * Math.sqrt(data.length), relative: 3e-5 };
    expectClose([slope], finiteDifference(lossAlong, [0]), tolerance, `slope along the gradient of ${key}`);
  }
}

/** In mixed precision loss and gradients are near those of float32, and not the same. */
export async function judgeMixedTraining({ model, sequences }: JudgedModel): Promise<void> {
  const exact = await trainingGradients({ model, sequences });
  const mixed = await trainingGradients({ model: { ...model, precision: 'mixed' }, sequences });
  expect(mixed.loss).not.toBe(exact.loss);
  expectClose([mixed.loss], [exact.loss], { absolute: 0, relative: 1e-3 }, 'loss');
  for (const [name, { data }] of exact.gradients) {
    const difference = weightOf(mixed.gradients, name).data.map((value, i) => value - at(data, i));
    const share = Math.sqrt(dot(difference, difference) / dot(data, data));
    expect(share, `difference of the gradient of ${name}, as a share of it`).toBeLessThan(0.01);
  }
}

async function trainingGradients({
  model,
  sequences,
}: Pick<JudgedModel, 'model' | 'sequences'>): Promise<{ loss: number; gradients: ReferenceWeights }> {
  const before = tf.memory().numTensors;
  const batch = makeTrainingBatch(sequences.filter(({ isCompletion }) => isCompletion.includes(true)).map(toExample));
  const { value, grads } = tf.variableGrads(() => sftLoss(model, batch), [...model.weights.values()]);
  const loss = at((await take(value)).data, 0);
  const gradients = new Map<string, Tensor64>();
  for (const [name, variable] of model.weights) {
    const gradient = grads[variable.name];
    expect(gradient?.shape, `shape of the gradient of ${name}`).toEqual(variable.shape);
    if (gradient !== undefined) gradients.set(name, await take(gradient));
  }
  expect(tf.memory().numTensors, 'tensors left behind by the gradients').toBe(before);
  return { loss, gradients };
}

/** The logits of sequences in one batch, padded on the right with a token that is not 0. */
async function batchLogits(
  model: Transformer,
  sequences: readonly ReferenceSequence[],
  T: number,
): Promise<Tensor64[]> {
  const ids = new Int32Array(sequences.length * T).fill(1);
  for (const [b, { tokens }] of sequences.entries()) ids.set(tokens, b * T);
  const y = tf.tidy(() => logits(model, forward(model, { B: sequences.length, T, ids }))); // [B*T,V]
  const rows = rowsOf(await take(y));
  return sequences.map(({ tokens }, b) => stack(rows.slice(b * T, b * T + tokens.length)));
}

function toTensorData(weights: ReferenceWeights): Map<string, TensorData> {
  return new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]));
}

function toExample({ tokens, isCompletion }: ReferenceSequence): Example {
  const start = isCompletion.indexOf(true);
  return { prompt: Int32Array.from(tokens.slice(0, start)), completion: Int32Array.from(tokens.slice(start)) };
}

/** Reads a tensor back and frees it. Waits for the GPU. */
async function take(y: tf.Tensor): Promise<Tensor64> {
  const values = await y.data();
  y.dispose();
  return tensor64(y.shape, values);
}

function stack(rows: readonly Float64Array[]): Tensor64 {
  return tensor64(
    [rows.length, at(rows, 0).length],
    rows.flatMap((row) => Array.from(row)),
  );
}
