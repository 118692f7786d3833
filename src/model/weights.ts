/**
 * The named tensors of a decoder, under their names in Hugging Face transformers.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import type { Rng } from '../common/rng.ts';
import type { ModelConfig } from '../config/model-config.ts';

/** Weights by Hugging Face name; linear maps are `[out,in]`. */
export type Weights = ReadonlyMap<string, tf.Variable>;

/** Plain numbers by name, for transfer to and from the backend. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The name and shape of every tensor of a model config, in the order of a forward pass. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [V, C]]]);
  for (let layer = 0; layer < L; layer++) {
    const prefix = `model.layers.${layer}`;
    shapes.set(`${prefix}.input_layernorm.weight`, [C]);
    for (const [name, rows] of [
      ['q', H],
      ['k', K],
      ['v', K],
    ] as const) {
      shapes.set(`${prefix}.self_attn.${name}_proj.weight`, [rows * D, C]);
      if (config.attentionBias) shapes.set(`${prefix}.self_attn.${name}_proj.bias`, [rows * D]);
    }
    if (config.qkNorm) {
      shapes.set(`${prefix}.self_attn.q_norm.weight`, [D]);
      shapes.set(`${prefix}.self_attn.k_norm.weight`, [D]);
    }
    shapes.set(`${prefix}.self_attn.o_proj.weight`, [C, H * D]);
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [C]);
    shapes.set(`${prefix}.mlp.gate_proj.weight`, [F, C]);
    shapes.set(`${prefix}.mlp.up_proj.weight`, [F, C]);
    shapes.set(`${prefix}.mlp.down_proj.weight`, [C, F]);
  }
  shapes.set('model.norm.weight', [C]);
  if (!config.tiedEmbeddings) shapes.set('lm_head.weight', [V, C]);
  return shapes;
}

/**
 * Random initial weights: norms 1, biases 0, embeddings N(0, 0.02), linear maps N(0, 1/in), and the two maps that write
 * to the residual stream divided by sqrt(2L), so that its size does not grow with depth (GPT-2's initialisation).
 */
export function initialWeights(config: ModelConfig, rng: Rng): Map<string, TensorData> {
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of weightShapes(config)) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (name.endsWith('norm.weight')) data.fill(1);
    else if (!name.endsWith('.bias')) fillNormal(data, initialStd(name, shape, config), rng.fork(name));
    weights.set(name, { shape, data });
  }
  return weights;
}

function initialStd(name: string, shape: readonly number[], config: ModelConfig): number {
  if (name === 'model.embed_tokens.weight' || name === 'lm_head.weight') return 0.02;
  const std = 1 / Math.sqrt(shape[1] ?? 1);
  const writesToResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
  return writesToResidual ? std / Math.sqrt(2 * config.layers) : std;
}

function fillNormal(data: Float32Array, std: number, rng: Rng): void {
  for (let i = 0; i < data.length; i++) data[i] = std * rng.normal();
}

/**
 * Puts weights on the current backend as trainable variables.
 *
 * @param elsewhere - matrices that are stored in another form and need not be among the tensors
 * @throws {LabError} as {@link checkWeights}
 */
export function loadWeights(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorData>,
  elsewhere: ReadonlyMap<string, Pick<TensorData, 'shape'>> = new Map(),
): Weights {
  const checked = checkWeights(config, tensors, elsewhere);
  return new Map([...checked].map(([name, tensor]) => [name, toVariable(tensor)]));
}

/**
 * Checks the tensors of a model config and returns them in the order of a forward pass.
 *
 * @throws {LabError} `bad-checkpoint` if a tensor is missing, superfluous, misshapen or not finite.
 */
export function checkWeights(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorData>,
  elsewhere: ReadonlyMap<string, Pick<TensorData, 'shape'>>,
): ReadonlyMap<string, TensorData> {
  const shapes = checkShapes(config, new Map([...tensors, ...elsewhere]));
  const checked = new Map<string, TensorData>();
  for (const [name, shape] of shapes) {
    const tensor = elsewhere.has(name) ? undefined : tensors.get(name);
    if (tensor === undefined) continue;
    checkFinite(name, shape, tensor.data);
    checked.set(name, tensor);
  }
  return checked;
}

/**
 * Checks names and shapes alone.
 *
 * @returns the shapes of all tensors of the config, in the order of a forward pass
 * @throws {LabError} `bad-checkpoint` if a tensor is missing, superfluous or misshapen
 */
export function checkShapes(
  config: ModelConfig,
  tensors: ReadonlyMap<string, Pick<TensorData, 'shape'>>,
): ReadonlyMap<string, readonly number[]> {
  const shapes = weightShapes(config);
  for (const name of tensors.keys()) {
    // Some files of tied models also store the head, which equals the embedding matrix.
    const isTiedHead = config.tiedEmbeddings && name === 'lm_head.weight';
    if (!shapes.has(name) && !isTiedHead) {
      throw new LabError('bad-checkpoint', {
        message: `The weights have a tensor that the model config lacks: ${name}.`,
        fix: 'Check that config.json belongs to these weights.',
      });
    }
  }
  for (const [name, shape] of shapes) {
    const got = tensors.get(name)?.shape;
    if (got === undefined) throw unusable(name, shape, 'nothing');
    if (got.join() !== shape.join()) throw unusable(name, shape, `shape [${got.join(', ')}]`);
  }
  return shapes;
}

/** @throws {LabError} `bad-checkpoint` if a number is infinite or NaN */
export function checkFinite(name: string, shape: readonly number[], data: Float32Array): void {
  for (const value of data) if (!Number.isFinite(value)) throw unusable(name, shape, 'values that are not finite');
}

/** A trainable variable on the current backend. */
export function toVariable({ shape, data }: TensorData): tf.Variable {
  const value = tf.tensor(data, [...shape]);
  const variable = tf.variable(value); // shares the data, so the tensor can be disposed
  value.dispose();
  return variable;
}

function unusable(name: string, shape: readonly number[], got: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `Tensor ${name} of the weights is not valid.`,
    expected: `finite values of shape [${shape.join(', ')}]`,
    got,
    fix: 'Check that the file is complete and that config.json belongs to it.',
  });
}

/** Reads every weight back from the backend. Waits for the GPU. */
export async function readWeights(weights: Weights): Promise<Map<string, TensorData>> {
  const out = new Map<string, TensorData>();
  for (const [name, variable] of weights) {
    out.set(name, { shape: [...variable.shape], data: Float32Array.from(await variable.data<'float32'>()) });
  }
  return out;
}

/** Frees the backend memory of every weight. */
export function disposeWeights(weights: Weights): void {
  for (const variable of weights.values()) variable.dispose();
}
