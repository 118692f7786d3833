/**
 * The work on plain TensorFlow.js, as its documentation teaches: the decoder written in tfjs ops, gradients from its tape,
 * its own Adam. Nothing is arranged for a backend, with one exception: tfjs-wasm has no gradient of `gather`, so there
 * the look-up is a product with one-hot rows. Its Adam has neither weight decay nor clipping.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../../src/common/errors.ts';
import type { NamedBackend } from '../backends.ts';
import { ADAM, inputIds, targetIds, type Work } from '../work.ts';
import type { Peer } from './peer.ts';

/** Loads a work on a tfjs backend. */
export async function openPlainTfjs(work: Work, { name: backend, device }: NamedBackend): Promise<Peer> {
  await tf.setBackend(backend);
  const weights = new Map<string, tf.Variable>();
  for (const [name, { shape, data }] of work.weights) {
    weights.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(data, [...shape]))),
    );
  }
  const { learningRate, beta1, beta2, eps } = ADAM;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, eps);
  const ids = tf.tensor1d(inputIds(work), 'int32');
  const targets = tf.tensor1d(targetIds(work), 'int32');
  const constants = makeConstants(work);
  return {
    name: 'tfjs',
    device,
    step: async () => {
      await tf.setBackend(backend);
      const loss = optimizer.minimize(() => meanLoss(work, weights, ids, targets, constants), true);
      if (loss === null) throw new LabError('internal', { message: 'plain tfjs peer: minimize gave no loss.' });
      const [value] = await loss.data(); // queued last, so it comes when all is computed
      loss.dispose();
      return value ?? NaN;
    },
    dispose: async () => {
      await tf.setBackend(backend);
      optimizer.dispose();
      tf.dispose([ids, targets, ...Object.values(constants), ...weights.values()]);
    },
  };
}

/** A type, not an interface, so that its values can be listed. */
type Constants = {
  /** `[T,1,D/2]` */
  readonly cos: tf.Tensor3D;
  /** `[T,1,D/2]` */
  readonly sin: tf.Tensor3D;
  /** `[T,T]`, added to attention scores */
  readonly mask: tf.Tensor2D;
};

/** The mean negative log-likelihood of the scored targets, in nats. */
function meanLoss(
  { config, B, T, scored }: Work,
  weights: ReadonlyMap<string, tf.Variable>,
  ids: tf.Tensor1D,
  targets: tf.Tensor1D,
  { cos, sin, mask }: Constants,
): tf.Scalar {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, normEps } = config;
  const get = (name: string): tf.Variable => {
    const weight = weights.get(name);
    if (weight === undefined) throw new LabError('internal', { message: `plain tfjs peer: no weight named ${name}.` });
    return weight;
  };
  const linear = (x: tf.Tensor2D, name: string): tf.Tensor2D => tf.matMul(x, get(name), false, true);
  const norm = <Rank extends tf.Tensor>(x: Rank, name: string): Rank => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), normEps));
    return tf.mul(tf.mul(x, scale), get(name));
  };
  const rope = (x: tf.Tensor4D): tf.Tensor4D => {
    const [left, right] = tf.split(x, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
    const turned = [tf.sub(tf.mul(left, cos), tf.mul(right, sin)), tf.add(tf.mul(right, cos), tf.mul(left, sin))];
    return tf.concat(turned, -1) as tf.Tensor4D;
  };
  // [N,C] -> [B,count,T,D]
  const heads = (x: tf.Tensor2D, which: 'q' | 'k' | 'v', layer: string, count: number): tf.Tensor4D => {
    let y = tf.reshape<tf.Rank.R4>(linear(x, `${layer}.self_attn.${which}_proj.weight`), [B, T, count, D]);
    if (which !== 'v') {
      if (config.qkNorm) y = norm(y, `${layer}.self_attn.${which}_norm.weight`);
      y = rope(y);
    }
    y = tf.transpose(y, [0, 2, 1, 3]);
    if (count === H) return y;
    // Each key-value head serves H/K query heads in a row.
    return tf.reshape(tf.tile(tf.reshape(y, [B * K, 1, T * D]), [1, H / K, 1]), [B, H, T, D]);
  };

  const table = get('model.embed_tokens.weight');
  const isWasm = tf.getBackend().startsWith('wasm');
  let x: tf.Tensor2D = isWasm
    ? tf.matMul<tf.Tensor2D>(oneHot(ids, V), table)
    : tf.reshape(tf.gather(table, ids), [B * T, C]); // [N] -> [N,C]
  for (let l = 0; l < L; l++) {
    const layer = `model.layers.${l}`;
    const normed = norm(x, `${layer}.input_layernorm.weight`);
    const scores = tf.matMul(heads(normed, 'q', layer, H), heads(normed, 'k', layer, K), false, true); // [B,H,T,T]
    const p = tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(D)), mask));
    const mixed = tf.matMul(p, heads(normed, 'v', layer, K)); // [B,H,T,D]
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
  const last = norm(x, 'model.norm.weight');
  const kept = tf.slice(tf.reshape(last, [B, T, C]), [0, T - scored, 0], [B, scored, C]);
  const head = config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const logits = linear(tf.reshape(kept, [B * scored, C]), head);
  return tf.losses.softmaxCrossEntropy(oneHot(targets, V), logits).asScalar();
}

// Cast by hand: tfjs-wasm's oneHot writes integers whatever type it is asked for.
function oneHot(ids: tf.Tensor1D, V: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(ids, V) as tf.Tensor2D, 'float32');
}

function makeConstants({ config, T }: Work): Constants {
  const half = config.headDim / 2;
  const angles = Float32Array.from({ length: T * half }, (_, i) => {
    return Math.floor(i / half) * config.ropeTheta ** (-(i % half) / half);
  });
  const shape: [number, number, number] = [T, 1, half];
  const mask = Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0));
  return {
    cos: tf.tensor3d(angles.map(Math.cos), shape),
    sin: tf.tensor3d(angles.map(Math.sin), shape),
    mask: tf.tensor2d(mask, [T, T]),
  };
}
