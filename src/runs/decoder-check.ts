/**
 * The known case of self-check.ts: the loss of a small decoder on three short sequences, and the slope of that loss
 * along a random direction in each of its weight tensors. It runs every op that training uses, forward and backward, at
 * sizes that no kernel tile divides.
 *
 * The expected values were computed in double precision by the reference implementation of the tests, which shares no
 * code with the model (test/unit/runs/decoder-check.test.ts recomputes them).
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../common/rng.ts';
import type { ModelConfig } from '../config/model-config.ts';
import { type Example, makeTrainingBatch } from '../data/batches.ts';
import type { KnownCase } from '../gpu/self-check.ts';
import { disposeWeights, loadWeights, type TensorData, weightShapes } from '../model/weights.ts';
import { sftLoss } from '../train/sft.ts';

/** One Qwen3 layer whose axes are slightly larger than a multiple of 4 or of a tile. */
export const CHECKED_MODEL: ModelConfig = {
  vocabSize: 67,
  width: 34,
  layers: 1,
  heads: 4,
  kvHeads: 2,
  headDim: 10,
  hidden: 37,
  maxPositions: 32,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

/** The weights, made by additions and multiplications only, so that every JavaScript engine computes the same bits. */
export function checkedWeights(): Map<string, TensorData> {
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of weightShapes(CHECKED_MODEL)) {
    const rng = new Rng(`decoder check ${name}`);
    const isNorm = name.endsWith('norm.weight');
    const spread = isNorm ? 0.4 : 0.5;
    const data = Float32Array.from({ length: sizeOf(shape) }, () => (isNorm ? 1 : 0) + spread * (rng.next() - 0.5));
    weights.set(name, { shape, data });
  }
  return weights;
}

/** The sequences: prompts of 5 to 17 tokens, completions of 3 to 6. */
export function checkedExamples(): Example[] {
  const rng = new Rng('decoder check sequences');
  const tokens = (count: number): Int32Array =>
    Int32Array.from({ length: count }, () => rng.int(CHECKED_MODEL.vocabSize));
  return [
    { prompt: tokens(5), completion: tokens(3) },
    { prompt: tokens(17), completion: tokens(6) },
    { prompt: tokens(11), completion: tokens(4) },
  ];
}

/** The unit vector along which the slope of a weight tensor is taken. */
export function checkedDirection(name: string, shape: readonly number[]): Float64Array {
  const rng = new Rng(`decoder check direction ${name}`);
  const size = sizeOf(shape);
  return Float64Array.from({ length: size }, () => (rng.chance(0.5) ? 1 : -1) / Math.sqrt(size));
}

/** The decoder on the current backend, compared with its expected values in double precision. */
export const DECODER_CHECK: KnownCase = {
  expected: {
    loss: 5.00133848,
    'model.embed_tokens.weight': -0.0206839213,
    'model.layers.0.input_layernorm.weight': -0.0451230513,
    'model.layers.0.self_attn.q_proj.weight': 0.0436761803,
    'model.layers.0.self_attn.k_proj.weight': 0.0845299451,
    'model.layers.0.self_attn.v_proj.weight': 0.0151580234,
    'model.layers.0.self_attn.q_norm.weight': 0.0892167844,
    'model.layers.0.self_attn.k_norm.weight': 0.0794995649,
    'model.layers.0.self_attn.o_proj.weight': 0.0553403991,
    'model.layers.0.post_attention_layernorm.weight': -0.031669159,
    'model.layers.0.mlp.gate_proj.weight': -0.0233104011,
    'model.layers.0.mlp.up_proj.weight': 0.0215044786,
    'model.layers.0.mlp.down_proj.weight': 0.0363480725,
    'model.norm.weight': 0.0589265821,
  },
  compute: computeOnBackend,
};

async function computeOnBackend(): Promise<Record<string, number>> {
  const weights = loadWeights(CHECKED_MODEL, checkedWeights());
  const batch = makeTrainingBatch(checkedExamples());
  const { value, grads } = tf.variableGrads(
    () => sftLoss({ config: CHECKED_MODEL, weights }, batch),
    [...weights.values()],
  );
  try {
    const computed: Record<string, number> = { loss: (await value.data())[0] ?? NaN };
    for (const [name, variable] of weights) {
      const gradient = await grads[variable.name]?.data();
      computed[name] = checkedDirection(name, variable.shape).reduce(
        (sum, step, i) => sum + step * (gradient?.[i] ?? NaN),
        0,
      );
    }
    return computed;
  } finally {
    tf.dispose([value, grads]);
    disposeWeights(weights);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
