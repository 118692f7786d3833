/**
 * The work on `@jax-js/jax`: the same decoder with jax-js's attention, softmax and gradients, and the whole update in
 * one `jit`, as its documentation recommends. Differences from the lab: Adam has no weight decay and no clipping, and
 * the update is one function, which its compiler may fuse.
 *
 * jax-js counts references: a function consumes an array argument unless it is passed as `.ref`.
 */
import {
  blockUntilReady,
  defaultDevice,
  init,
  getWebGPUDevice,
  jit,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from '@jax-js/jax';
import { LabError } from '../../../src/common/errors.ts';
import type { ModelConfig } from '../../../src/config/model-config.ts';
import { provideIteratorHelpers } from '../iterator-helpers.ts';
import { ADAM, inputIds, targetIds, type Work } from '../work.ts';
import type { Peer } from './peer.ts';

export type Arrays = Record<string, np.Array>;
/** The state that an update changes. A type, not an interface, because jax-js needs an index signature. */
type TrainingState = { weights: Arrays; first: Arrays; second: Arrays; step: np.Array };

/**
 * Loads a work into jax-js.
 *
 * @throws {LabError} `no-backend` if jax-js does not start on the backend
 */
export async function openJaxJs(work: Work, backend: 'wasm' | 'webgpu'): Promise<Peer> {
  const weights = await startJaxJs(work.weights, backend);
  const zeros = (): Arrays => tree.map((weight: np.Array) => np.zeros(weight.shape), weights);
  let state: TrainingState = { weights, first: zeros(), second: zeros(), step: np.array(0) };
  const ids = np.array(inputIds(work));
  const targets = np.array(targetIds(work));

  const update = jit((before: TrainingState, x: np.Array, y: np.Array): { loss: np.Array; after: TrainingState } => {
    const lossOf = (parameters: Arrays): np.Array => meanLoss(work, parameters, x, y);
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(before.weights)) as [np.Array, Arrays];
    return { loss, after: adam(before, gradients) };
  });
  return {
    name: 'jaxjs',
    device: backend === 'webgpu' ? getWebGPUDevice() : undefined,
    step: async () => {
      const { loss, after } = update(state, ids.ref, targets.ref);
      state = after;
      await blockUntilReady(state);
      const [value] = (await loss.data()) as Float32Array;
      return value ?? NaN;
    },
    dispose: async () => {
      tree.dispose(state);
      tree.dispose([ids, targets]);
      update.dispose();
      await Promise.resolve();
    },
  };
}

/** Starts jax-js and uploads the weights. @throws {LabError} `no-backend` */
export async function startJaxJs(data: Work['weights'], backend: 'wasm' | 'webgpu'): Promise<Arrays> {
  provideIteratorHelpers();
  const started = await init(backend);
  if (!started.includes(backend)) {
    throw new LabError('no-backend', { message: 'jax-js did not start.', expected: backend, got: started.join(', ') });
  }
  defaultDevice(backend);
  const weights: Arrays = {};
  for (const [name, { shape, data: values }] of data)
    weights[name] = np.array(Float32Array.from(values)).reshape([...shape]);
  return weights;
}

/** The mean negative log-likelihood of the scored targets, in nats. */
function meanLoss({ config, B, T, scored }: Work, weights: Arrays, ids: np.Array, targets: np.Array): np.Array {
  const logits = lastLogits({ config, B, T, scored }, weights, ids);
  // A product with one-hot rows, which jit fuses; jit does not support the gradient of takeAlongAxis.
  const logProbs = np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(targets.ref, config.vocabSize)), -1);
  return np.mean(logProbs).mul(-1);
}

/** Logits of the last `scored` positions of each sequence, `[B*scored,V]`. */
export function lastLogits(
  { config, B, T, scored }: Pick<Work, 'config' | 'B' | 'T' | 'scored'>,
  weights: Arrays,
  ids: np.Array,
): np.Array {
  const { width: C, heads: H, kvHeads: K, headDim: D, normEps } = config;
  const get = (name: string): np.Array => {
    const array = weights[name];
    if (array === undefined) throw new LabError('internal', { message: `jax-js peer: no weight named ${name}.` });
    return array.ref;
  };
  const linear = (x: np.Array, name: string): np.Array => np.matmul(x, np.matrixTranspose(get(name)));
  const norm = (x: np.Array, name: string): np.Array => {
    const scale = np.mean(np.square(x.ref), -1, { keepdims: true }).add(normEps);
    return x.mul(np.reciprocal(np.sqrt(scale))).mul(get(name));
  };
  const [cos, sin] = ropeTables(T, D, config.ropeTheta);
  const heads = (x: np.Array, which: 'q' | 'k', layer: string, count: number): np.Array => {
    const split = linear(x, `${layer}.self_attn.${which}_proj.weight`).reshape([B, T, count, D]);
    const normed = config.qkNorm ? norm(split, `${layer}.self_attn.${which}_norm.weight`) : split;
    const [left, right] = np.split(normed.ref, 2, -1);
    if (left === undefined || right === undefined) throw new LabError('internal', { message: 'jax-js: no halves.' });
    const rotated = np.concatenate([right.mul(-1), left], -1);
    return normed.mul(cos.ref).add(rotated.mul(sin.ref));
  };

  // Flat ids, because jit in 0.1.25 does not support the gradient of a look-up with reshaped ids.
  let x = np.take(get('model.embed_tokens.weight'), ids.ref, 0); // [N] -> [N,C]
  for (let l = 0; l < config.layers; l++) {
    const layer = `model.layers.${l}`;
    const normed = norm(x.ref, `${layer}.input_layernorm.weight`);
    const q = heads(normed.ref, 'q', layer, H);
    const k = heads(normed.ref, 'k', layer, K);
    const v = linear(normed, `${layer}.self_attn.v_proj.weight`).reshape([B, T, K, D]);
    const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B * T, H * D]);
    x = x.add(linear(mixed, `${layer}.self_attn.o_proj.weight`));
    const normedAgain = norm(x.ref, `${layer}.post_attention_layernorm.weight`);
    const gate = nn.silu(linear(normedAgain.ref, `${layer}.mlp.gate_proj.weight`));
    const up = linear(normedAgain, `${layer}.mlp.up_proj.weight`);
    x = x.add(linear(gate.mul(up), `${layer}.mlp.down_proj.weight`));
  }
  cos.dispose();
  sin.dispose();
  const hidden = norm(x, 'model.norm.weight').reshape([B, T, C]);
  const kept = scored === T ? hidden : hidden.slice([], [T - scored, T], []);
  return linear(kept.reshape([B * scored, C]), headName(config));
}

/** One Adam step on every array. */
function adam(before: TrainingState, gradients: Arrays): TrainingState {
  const { learningRate, beta1, beta2, eps } = ADAM;
  const step = before.step.add(1);
  const correction1 = np.subtract(1, np.power(beta1, step.ref));
  const correction2 = np.subtract(1, np.power(beta2, step.ref));
  const after: TrainingState = { weights: {}, first: {}, second: {}, step };
  for (const [name, gradient] of Object.entries(gradients)) {
    const [weight, first, second] = [before.weights[name], before.first[name], before.second[name]];
    if (weight === undefined || first === undefined || second === undefined) continue;
    const m = first.mul(beta1).add(gradient.ref.mul(1 - beta1));
    const v = second.mul(beta2).add(np.square(gradient).mul(1 - beta2));
    const denominator = np.sqrt(v.ref.div(correction2.ref)).add(eps);
    after.weights[name] = weight.sub(m.ref.div(correction1.ref).div(denominator).mul(learningRate));
    after.first[name] = m;
    after.second[name] = v;
  }
  correction1.dispose();
  correction2.dispose();
  return after;
}

/** Cosines and sines of Hugging Face's "rotate half" layout, `[T,1,D]` each. */
function ropeTables(T: number, D: number, theta: number): [np.Array, np.Array] {
  const angle = (i: number): number => Math.floor(i / D) * theta ** (-((i % D) % (D / 2)) / (D / 2));
  const table = (of: (angle: number) => number): np.Array =>
    np.array(Float32Array.from({ length: T * D }, (_, i) => of(angle(i)))).reshape([T, 1, D]);
  return [table(Math.cos), table(Math.sin)];
}

function headName({ tiedEmbeddings }: ModelConfig): string {
  return tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
}
