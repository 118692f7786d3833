/**
 * The decoder: Qwen3 (RMSNorm, RoPE, grouped-query attention, QK-norm, SwiGLU, tied embeddings), with flags that make
 * it Qwen2 or Llama. `ops/` decides what computes each op on which backend; this file does not depend on it.
 *
 * A batch is padded on the right. Under a causal mask no real token sees padding, so no padding mask is needed; the
 * results of padding rows are not used.
 *
 * This room holds the decoder, its weights and its cache; it does not depend on training or generation.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import type { PackedLayout } from '../data/packed-rows.ts';
import { causalAttention, spanVisibility } from '../ops/attention.ts';
import type { CompressedMatrix } from '../ops/compressed.ts';
import { embedding, selectRows } from '../ops/embedding.ts';
import type { AllowedTokens } from '../ops/held-logits.ts';
import { headLogProbs, headScores } from '../ops/head-log-probs.ts';
import { linear, linearInput } from '../ops/linear.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { type HeadNorm, rope, ropeTables, ropeTablesAt } from '../ops/rope.ts';
import type { TokenScores } from '../ops/token-scores.ts';
import type { Attend, KvCache } from './kv-cache.ts';
import type { Weights } from './weights.ts';

/** A decoder: its config and its weights. */
export interface Transformer {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** Matrices that stay compressed, for inference only; they are then not among the weights. */
  readonly compressed?: ReadonlyMap<string, CompressedMatrix>;
  /** The precision of linear maps in training; default f32. */
  readonly precision?: TrainingPrecision;
}

/** A batch of token ids, row by row, padded on the right to T. */
export interface TokenBatch<Ids extends Int32Array | tf.Tensor1D = Int32Array> {
  readonly B: number;
  readonly T: number;
  /** B*T ids, or a tensor of them, `[B*T]` int32; the ids of padding do not matter. */
  readonly ids: Ids;
  /** The layout of packed rows, which cannot have a cache. Default: each token sees itself and all before it. */
  readonly layout?: PackedLayout;
}

/** Tokens drawn on the GPU are known only there. */
type AnyTokenBatch = TokenBatch<Int32Array | tf.Tensor1D>;

/**
 * The hidden states of a batch after the final norm.
 *
 * @param cache - if given, the batch continues its sequences, and keys and values are added to it
 * @returns `[N,C]`, row b*T + t for token t of sequence b
 * @throws {LabError} `bad-shape` if the number of ids is not B*T, or there are more positions than the model has.
 */
export function forward(model: Transformer, batch: AnyTokenBatch, cache?: KvCache): tf.Tensor2D {
  return decode(model, batch, cache, undefined);
}

/**
 * The hidden states of some rows after the final norm. The part of the last layer after attention is computed for them
 * only.
 *
 * @param rows - M distinct rows b*T + t
 * @returns `[M,C]`
 * @throws {LabError} as {@link forward}
 */
export function forwardAt(model: Transformer, batch: TokenBatch, rows: Int32Array): tf.Tensor2D {
  return decode(model, batch, undefined, rows);
}

/** Sees what a forward pass computes, layer by layer. The tensors are freed with the pass. */
export interface Observer {
  /** The residual stream before the first layer (0) and after each, `[N,C]`. */
  readonly onStream: (layer: number, stream: tf.Tensor2D) => void;
  /** The residual stream of a layer between its attention and its MLP, `[N,C]`. */
  readonly onAttended?: (layer: number, stream: tf.Tensor2D) => void;
  /** What the attention of a layer compares, mixes and gives. */
  readonly onAttention: (layer: number, seen: ObservedAttention) => void;
}

/** Queries and keys are normalised and rotated. H query heads share K key-value heads, H/K in a row one each. */
export interface ObservedAttention {
  /** `[B,T,H,D]` */
  readonly q: tf.Tensor4D;
  /** `[B,T,K,D]` */
  readonly k: tf.Tensor4D;
  /** `[B,T,K,D]` */
  readonly v: tf.Tensor4D;
  /** `[B,T,H,D]` */
  readonly mixed: tf.Tensor4D;
}

/** As {@link forward} without a cache, observed; it computes the same bits. */
export function forwardObserved(model: Transformer, batch: TokenBatch, observer: Observer): tf.Tensor2D {
  return decode(model, batch, undefined, undefined, observer);
}

/** The logits of the next token if a row of the residual stream were the last one, `[N,C]` to `[N,V]`. */
export function streamLogits(model: Transformer, stream: tf.Tensor2D): tf.Tensor2D {
  return logits(model, rmsNorm(stream, weight1d(model.weights, 'model.norm.weight'), model.config.normEps));
}

function decode(
  model: Transformer,
  batch: AnyTokenBatch,
  cache: KvCache | undefined,
  wanted: Int32Array | undefined,
  observer?: Observer,
): tf.Tensor2D {
  const { config, weights } = model;
  const { B, T, ids, layout } = batch;
  checkBatch(config, batch, layout === undefined ? (cache?.length ?? 0) + T : highest(layout.positions) + 1);
  const attend = cache?.begin(T) ?? rowAttention(config, batch, observer);
  let x = embedding(matrix(model, 'model.embed_tokens.weight'), ids); // [B*T] -> [N,C]
  observer?.onStream(0, x);
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = rmsNorm(x, weight1d(weights, `${name}.input_layernorm.weight`), config.normEps);
    const rows = layer === config.layers - 1 ? wanted : undefined;
    const attended = selfAttention(model, layer, x, normed, B, attend, rows);
    observer?.onAttended?.(layer, attended);
    const gain = weight1d(weights, `${name}.post_attention_layernorm.weight`);
    // Without the tidy, intermediates would live until the whole forward pass is done, even if the gradient does not
    // need them.
    x = tf.tidy(() => feedForward(model, `${name}.mlp`, attended, rmsNorm(attended, gain, config.normEps)));
    observer?.onStream(layer + 1, x);
  }
  cache?.advance(T);
  return rmsNorm(x, weight1d(weights, 'model.norm.weight'), config.normEps);
}

/**
 * The logits of the next token for some hidden states.
 *
 * @param hidden - `[N,C]`
 * @returns `[N,V]`
 */
export function logits(model: Transformer, hidden: tf.Tensor2D): tf.Tensor2D {
  return linear(linearInput(hidden, model.precision), matrix(model, headName(model.config))); // [N,C] -> [N,V]
}

/**
 * The log-probabilities of given next tokens, without holding all logits if there are many.
 *
 * @param hidden - `[M,C]`
 * @param targets - M token ids
 * @returns `[M]`, in nats
 */
export function nextLogProbs(model: Transformer, hidden: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  const { config, weights, precision } = model;
  return headLogProbs(hidden, weight(weights, headName(config)) as tf.Tensor2D, targets, { precision });
}

/** Parameters of the distribution that tokens were drawn from. */
export interface NextScoresOptions {
  /** Divides the logits. Default 1. */
  readonly temperature?: number | undefined;
  /** The tokens allowed in each row; default: all. */
  readonly allowed?: AllowedTokens | undefined;
}

/**
 * The same, and the entropies of the distributions, `[M]`. Parameters as in {@link nextLogProbs}.
 *
 * @param policy - temperature and allowed tokens
 */
export function nextScores(
  model: Transformer,
  hidden: tf.Tensor2D,
  targets: Int32Array,
  { temperature = 1, allowed }: NextScoresOptions = {},
): TokenScores {
  const { config, weights, precision } = model;
  const cooled = temperature === 1 ? hidden : tf.div<tf.Tensor2D>(hidden, temperature); // logits are linear in them
  return headScores(cooled, weight(weights, headName(config)) as tf.Tensor2D, targets, { precision, allowed });
}

function headName({ tiedEmbeddings }: ModelConfig): string {
  return tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** Attention within the rows of a batch: each token sees itself and all before it, or in packed rows its spans. */
function rowAttention(
  { headDim, ropeTheta }: ModelConfig,
  { B, T, layout }: AnyTokenBatch,
  observer: Observer | undefined,
): Attend {
  const tables =
    layout === undefined ? ropeTables(0, T, headDim, ropeTheta) : ropeTablesAt(layout.positions, B, headDim, ropeTheta);
  const visibility = layout === undefined ? undefined : spanVisibility(layout.spans, B, T);
  return (layer, heads, norms) => {
    const [q, k] = [rope(heads.q, tables, norms.q), rope(heads.k, tables, norms.k)];
    const mixed = causalAttention(q, k, heads.v, visibility);
    observer?.onAttention(layer, { q, k, v: heads.v, mixed });
    return mixed;
  };
}

/** `stream + attention(x)`, for all rows or some. */
function selfAttention(
  model: Transformer,
  layer: number,
  stream: tf.Tensor2D,
  x: tf.Tensor2D,
  B: number,
  attend: Attend,
  wanted: Int32Array | undefined,
): tf.Tensor2D {
  const { config, weights } = model;
  const { heads: H, kvHeads: K, headDim: D } = config;
  const name = `model.layers.${layer}.self_attn`;
  const T = x.shape[0] / B;
  const input = linearInput(x, model.precision);

  const project = (which: 'q' | 'k' | 'v', heads: number): tf.Tensor4D => {
    const bias = config.attentionBias ? weight1d(weights, `${name}.${which}_proj.bias`) : undefined;
    const rows = linear(input, matrix(model, `${name}.${which}_proj.weight`), { bias }); // [N,C] -> [N,heads*D]
    return tf.reshape(rows, [B, T, heads, D]); // [N,heads*D] -> [B,T,heads,D]
  };
  const norm = (which: 'q' | 'k'): HeadNorm | undefined =>
    config.qkNorm ? { gain: weight1d(weights, `${name}.${which}_norm.weight`), eps: config.normEps } : undefined;

  const heads = { q: project('q', H), k: project('k', K), v: project('v', K) }; // [B,T,H,D], twice [B,T,K,D]
  const mixed = attend(layer, heads, { q: norm('q'), k: norm('k') }); // [B,T,H,D]
  const rows: tf.Tensor2D = tf.reshape(mixed, [B * T, H * D]); // [B,T,H,D] -> [N,H*D]
  const pick = (of: tf.Tensor2D): tf.Tensor2D => (wanted === undefined ? of : selectRows(of, wanted)); // [N,·] -> [M,·]
  const picked = linearInput(pick(rows), model.precision);
  return linear(picked, matrix(model, `${name}.o_proj.weight`), { residual: pick(stream) }); // -> [N or M,C]
}

/** `stream + mlp(x)` */
function feedForward(model: Transformer, name: string, stream: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  const input = linearInput(x, model.precision);
  const gate = linear(input, matrix(model, `${name}.gate_proj.weight`)); // [N,C] -> [N,F]
  const hidden = linear(input, matrix(model, `${name}.up_proj.weight`), { gate }); // SwiGLU: [N,C] -> [N,F]
  const read = linearInput(hidden, model.precision);
  return linear(read, matrix(model, `${name}.down_proj.weight`), { residual: stream }); // [N,F] -> [N,C]
}

function weight(weights: Weights, name: string): tf.Tensor {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new LabError('internal', { message: `There is no weight named ${name}.` });
  return tensor;
}

function matrix({ weights, compressed }: Transformer, name: string): tf.Tensor2D | CompressedMatrix {
  return compressed?.get(name) ?? (weight(weights, name) as tf.Tensor2D);
}

function weight1d(weights: Weights, name: string): tf.Tensor1D {
  return weight(weights, name) as tf.Tensor1D;
}

function checkBatch(config: ModelConfig, { B, T, ids }: AnyTokenBatch, positions: number): void {
  const count = ids instanceof Int32Array ? ids.length : ids.size;
  if (count !== B * T) {
    throw new LabError('bad-shape', {
      message: 'The number of token ids does not match the batch.',
      expected: `${B} x ${T} = ${B * T} ids`,
      got: `${count}`,
    });
  }
  if (positions > config.maxPositions) {
    throw new LabError('bad-shape', {
      message: 'The sequence has more positions than the model.',
      expected: `at most ${config.maxPositions} positions`,
      got: `${positions}`,
      fix: 'Shorten the document or use a model with more positions.',
    });
  }
}

function highest(positions: Int32Array): number {
  return positions.reduce((a, b) => Math.max(a, b), 0);
}
