/**
 * The peers' decoder in plain TensorFlow.js ops, written straightforwardly from a description of the model: prompts of
 * different lengths are padded on the left, keys and values grow by `concat` during decoding, gradients come from
 * tfjs's tape. Nothing is tuned for a backend, with one exception: tfjs-wasm has no gradient of `gather`, so where one
 * is needed the look-up is a product with one-hot rows.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import type { ModelConfig } from '../../src/config/model-config.ts';
import type { TensorData } from '../../src/model/weights.ts';

/** Keys and values of a layer, `[B,K,S,D]` each. */
export type PlainCache = { readonly keys: tf.Tensor4D; readonly values: tf.Tensor4D };

/** Input tokens. "B or 1" means that one row may serve all sequences. */
export interface PlainTokens {
  readonly B: number;
  readonly T: number;
  /** `[B*T]` */
  readonly ids: tf.Tensor1D;
  /** Rotations of the positions, `[B or 1,T,1,D/2]` each; see {@link rotationOf}. */
  readonly rotation: { readonly cos: tf.Tensor4D; readonly sin: tf.Tensor4D };
  /** `[B or 1,1,T,S]`, added to attention scores. */
  readonly mask: tf.Tensor4D;
  /** Whether no gradients are needed; default false. */
  readonly isInference?: boolean;
}

/** The score of masked positions. */
const MASKED_SCORE = -1e9;

/** The weights of a work as tfjs variables on the current backend. The caller disposes them. */
export function plainWeights(weights: ReadonlyMap<string, TensorData>): Map<string, tf.Variable> {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [name, tf.tidy(() => tf.variable(tf.tensor(data, [...shape])))]),
  );
}

/**
 * Hidden states after the last norm, `[N,C]`, and the keys and values of every layer, appended to those of `caches`.
 */
export function plainForward(
  config: ModelConfig,
  weights: ReadonlyMap<string, tf.Variable>,
  { B, T, ids, rotation: { cos, sin }, mask, isInference = false }: PlainTokens,
  caches?: readonly PlainCache[],
): { readonly hidden: tf.Tensor2D; readonly caches: PlainCache[] } {
  const { width: C, layers: L, heads: H, kvHeads: K, headDim: D, normEps, vocabSize: V } = config;
  const get = (name: string): tf.Variable => weightOf(weights, name);
  const linear = (x: tf.Tensor2D, name: string): tf.Tensor2D => tf.matMul(x, get(name), false, true);
  const norm = <Rank extends tf.Tensor>(x: Rank, name: string): Rank => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), normEps));
    return tf.mul(tf.mul(x, scale), get(name));
  };
  const rope = (x: tf.Tensor4D): tf.Tensor4D => {
    const [left, right] = tf.split(x, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
    const rotated = [tf.sub(tf.mul(left, cos), tf.mul(right, sin)), tf.add(tf.mul(right, cos), tf.mul(left, sin))];
    return tf.concat(rotated, -1) as tf.Tensor4D;
  };
  // [N,C] -> [B,count,T,D]
  const heads = (x: tf.Tensor2D, which: 'q' | 'k' | 'v', layer: string, count: number): tf.Tensor4D => {
    let y = tf.reshape<tf.Rank.R4>(linear(x, `${layer}.self_attn.${which}_proj.weight`), [B, T, count, D]);
    if (which !== 'v') {
      if (config.qkNorm) y = norm(y, `${layer}.self_attn.${which}_norm.weight`);
      y = rope(y);
    }
    return tf.transpose(y, [0, 2, 1, 3]);
  };
  // Each key-value head serves H/K consecutive query heads: [B,K,S,D] -> [B,H,S,D].
  const repeat = (x: tf.Tensor4D): tf.Tensor4D => {
    const S = x.shape[2];
    return H === K ? x : tf.reshape(tf.tile(tf.reshape(x, [B * K, 1, S * D]), [1, H / K, 1]), [B, H, S, D]);
  };

  const table = get('model.embed_tokens.weight');
  let x: tf.Tensor2D =
    tf.getBackend().startsWith('wasm') && !isInference
      ? tf.matMul<tf.Tensor2D>(oneHot(ids, V), table)
      : tf.reshape(tf.gather(table, ids), [B * T, C]); // [N] -> [N,C]
  const grown: PlainCache[] = [];
  for (let l = 0; l < L; l++) {
    const layer = `model.layers.${l}`;
    const normed = norm(x, `${layer}.input_layernorm.weight`);
    let [keys, values] = [heads(normed, 'k', layer, K), heads(normed, 'v', layer, K)];
    const before = caches?.[l];
    if (before !== undefined) {
      keys = tf.concat([before.keys, keys], 2);
      values = tf.concat([before.values, values], 2);
    }
    grown.push({ keys, values });
    const scores = tf.matMul(heads(normed, 'q', layer, H), repeat(keys), false, true); // [B,H,T,S]
    const p = tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(D)), mask));
    const mixed = tf.matMul(p, repeat(values)); // [B,H,T,D]
    const rows: tf.Tensor2D = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * T, H * D]);
    x = tf.add(x, linear(rows, `${layer}.self_attn.o_proj.weight`));
    const normedAgain = norm(x, `${layer}.post_attention_layernorm.weight`);
    const gate = linear(normedAgain, `${layer}.mlp.gate_proj.weight`);
    const hidden: tf.Tensor2D = tf.mul(
      tf.mul(gate, tf.sigmoid(gate)),
      linear(normedAgain, `${layer}.mlp.up_proj.weight`),
    );
    x = tf.add(x, linear(hidden, `${layer}.mlp.down_proj.weight`));
  }
  return { hidden: norm(x, 'model.norm.weight'), caches: grown };
}

/** Logits of hidden states, `[N,C] -> [N,V]`. */
export function plainLogits(
  { tiedEmbeddings }: ModelConfig,
  weights: ReadonlyMap<string, tf.Variable>,
  hidden: tf.Tensor2D,
): tf.Tensor2D {
  const head = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return tf.matMul(hidden, weightOf(weights, head), false, true);
}

/** `[B,1,T,S]`, from whether position s is hidden from query t of sequence b. */
export function maskOf(
  B: number,
  T: number,
  S: number,
  isHidden: (b: number, t: number, s: number) => boolean,
): tf.Tensor4D {
  const values = new Float32Array(B * T * S);
  let i = 0;
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++) for (let s = 0; s < S; s++) values[i++] = isHidden(b, t, s) ? MASKED_SCORE : 0;
  return tf.tensor4d(values, [B, 1, T, S]);
}

function weightOf(weights: ReadonlyMap<string, tf.Variable>, name: string): tf.Variable {
  const weight = weights.get(name);
  if (weight === undefined) throw new LabError('internal', { message: `plain tfjs peer: no weight named ${name}.` });
  return weight;
}

/** `[N] -> [N,V]`. Cast explicitly, because tfjs-wasm's oneHot ignores the requested type and writes integers. */
export function oneHot(ids: tf.Tensor1D, V: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(ids, V) as tf.Tensor2D, 'float32');
}

/**
 * Cosines and sines of Hugging Face's "rotate half" layout, one half: `[B,T,1,D/2]` each.
 *
 * @param positions - of each token in its sequence, B*T
 */
export function rotationOf(
  { headDim, ropeTheta }: ModelConfig,
  positions: Int32Array,
  B: number,
): PlainTokens['rotation'] {
  const half = headDim / 2;
  const values = Float32Array.from({ length: positions.length * half }, (_, i) => {
    return (positions[Math.floor(i / half)] ?? 0) * ropeTheta ** (-(i % half) / half);
  });
  const shape: [number, number, number, number] = [B, positions.length / B, 1, half];
  return { cos: tf.tensor4d(values.map(Math.cos), shape), sin: tf.tensor4d(values.map(Math.sin), shape) };
}
