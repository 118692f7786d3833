/**
 * Causal attention with grouped queries on the GPU, without a score matrix in memory (flash attention, arXiv
 * 2307.08691). In packed rows (data/packed-rows.ts) a query sees two ranges of keys, and blocks of keys that no query
 * of a block sees are skipped.
 *
 * The forward pass runs over the keys of each query, four at a time, with a running maximum and sum (arXiv 1805.02867).
 * It keeps the result and the logarithm of each query's normaliser; scores are recomputed. Backward, one pass runs over
 * the keys of queries and gives dQ; another runs over the queries of keys, for all heads that share them, and gives dK
 * and dV. So no value is written by two invocations, and no barrier or atomic is needed. Each pass has two variants
 * with the same bits (attention-blocks.ts, attention-lanes.ts); the faster one on the device is chosen by timing
 * (gpu/variant-choice.ts).
 *
 * q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, K divides H; spans `[B,T,2]`, integers. Row statistics `[B,T,H,2]`: the log
 * normaliser, written forward, and the inner product of dY and y, written into the same tensor by the backward pass
 * over keys, because a shader has at most eight buffers. All other outputs are overwritten. Vector sums accumulate in
 * the outputs, because an array in an invocation would need indexing. On a GPU D must be a
 * multiple of four.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, subgroupLanes, usesGpuKernels, variantChoices } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, scratchOf, wasmScratch } from '../gpu/wasm-calls.ts';
import { magnitude, variedValues } from '../gpu/variant-choice.ts';
import { BLOCKS_VARIANT } from './attention-blocks.ts';
import { MIN_LANES, lanesVariant } from './attention-lanes.ts';
import type { Pass, PassVariant } from './attention-shader.ts';

/** Queries, keys and values. */
export interface Heads {
  readonly q: tf.Tensor4D;
  readonly k: tf.Tensor4D;
  readonly v: tf.Tensor4D;
}

/** Whether there is a kernel for heads of D dimensions on the current backend. */
export function hasAttentionKernel(D: number): boolean {
  return hasWasmKernels() || (usesGpuKernels() && D % 4 === 0);
}

/** The result of attention, and the statistics for its backward pass. */
export interface Attended {
  readonly y: tf.Tensor4D;
  readonly stats: tf.Tensor4D;
}

/**
 * `softmax(q k^T / sqrt(D)) v` over the keys up to each query, or over the keys in its spans.
 *
 * @param spans - for packed rows: the keys `s < sharedEnd` and `ownStart <= s <= t`, with `sharedEnd <= ownStart <= t`
 * @param variant - for tests; default: the fastest measured
 */
export function attentionForward(heads: Heads, spans?: tf.Tensor3D, variant?: PassVariant): Attended {
  if (hasWasmKernels()) return forwardOnWasm(heads, spans);
  const [y, stats] = run('forward', { ...heads, spans }, variant);
  return { y: y as tf.Tensor4D, stats: stats as tf.Tensor4D };
}

/** The gradients of queries, keys and values. Parameters as in {@link attentionForward}. */
export function attentionBackward(
  dY: tf.Tensor4D,
  heads: Heads,
  { y, stats }: Attended,
  spans?: tf.Tensor3D,
  variant?: PassVariant,
): Heads {
  if (hasWasmKernels()) return backwardOnWasm(dY, heads, { y, stats }, spans);
  const given = { ...heads, dY, y, stats, spans };
  const [dQ] = run('queries', given, variant);
  const [dK, dV] = run('keys', given, variant);
  return { q: dQ as tf.Tensor4D, k: dK as tf.Tensor4D, v: dV as tf.Tensor4D };
}

function forwardOnWasm({ q, k, v }: Heads, spans: tf.Tensor3D | undefined): Attended {
  const [B, T, H] = q.shape;
  const [y, stats] = [allocate<tf.Rank.R4>(q.shape), allocate<tf.Rank.R4>([B, T, H, 1])];
  callWasm('attentionForward', [q, k, v, spans, y, stats], wasmNumbers(q, k));
  return { y, stats };
}

function backwardOnWasm(
  dY: tf.Tensor4D,
  { q, k, v }: Heads,
  { y, stats }: Attended,
  spans: tf.Tensor3D | undefined,
): Heads {
  const made = { q: allocate<tf.Rank.R4>(q.shape), k: allocate<tf.Rank.R4>(k.shape), v: allocate<tf.Rank.R4>(k.shape) };
  callWasm('attentionBackward', [dY, q, k, v, spans, y, stats, made.q, made.k, made.v], wasmNumbers(q, k));
  return made;
}

/** Sizes, scale and scratch. */
function wasmNumbers({ shape: [B, T, H, D] }: tf.Tensor4D, { shape: [, , K] }: tf.Tensor4D): number[] {
  return [B, T, H, K, D, 1 / Math.sqrt(D), wasmScratch(scratchOf('attentionScratch', T))];
}

/** All variants that the device can run, with the universal one first. */
export function attentionVariants(): [PassVariant, ...PassVariant[]] {
  const lanes = subgroupLanes();
  return [BLOCKS_VARIANT, ...(lanes === undefined || lanes < MIN_LANES ? [] : [lanesVariant(lanes)])];
}

/** The tensors that a pass may read; spans and the tensors of the backward passes are optional. */
interface Given extends Heads {
  readonly spans?: tf.Tensor | undefined;
  readonly dY?: tf.Tensor;
  readonly y?: tf.Tensor;
  /** Also written by the pass over keys. */
  readonly stats?: tf.Tensor;
}

/** Runs a pass and returns its outputs. */
function run(pass: Pass, given: Given, variant: PassVariant = pick(pass, given)): tf.Tensor[] {
  const { q, k, v, spans, dY, y, stats } = given;
  const [B, T, H, D] = q.shape;
  const K = k.shape[2];
  const ofQueries = (last: number): tf.Tensor => allocate<tf.Rank.R4>([B, T, H, last]);
  const ofKeys = (): tf.Tensor => allocate<tf.Rank.R4>([B, T, K, D]);
  const made = pass === 'keys' ? [ofKeys(), ofKeys()] : [ofQueries(D), ...(pass === 'forward' ? [ofQueries(2)] : [])];
  const bindings = {
    forward: [q, k, v, spans, ...made],
    queries: [q, k, v, dY, y, spans, stats, ...made],
    keys: [q, k, v, dY, stats, spans, ...made],
  }[pass];
  const form = { isPacked: spans !== undefined };
  dispatch({
    program: {
      key: `attention ${form.isPacked ? 'packed ' : ''}${pass} by ${variant.name}`,
      source: () => variant.source(pass, form),
    },
    tensors: bindings.filter((tensor) => tensor !== undefined),
    parameters: [B, T, H, K, D / 4],
    size: variant.size(B * (pass === 'keys' ? K : H), T),
    workgroupSize: variant.workgroupSize,
  });
  return made;
}

/** Passes with fewer positions use blocks, because lanes would share little. */
const MIN_POSITIONS = 16;

function pick(pass: Pass, { q, k, spans }: Given): PassVariant {
  const [variants, [B, T, H, D], K] = [attentionVariants(), q.shape, k.shape[2]];
  if (T < MIN_POSITIONS) return variants[0];
  const sizes = [B * (pass === 'keys' ? K : H), T, D].map(magnitude).join(' x ');
  return variantChoices().pick({
    key: `attention ${spans === undefined ? '' : 'packed '}${pass} ${sizes}`,
    variants,
    source: (variant) => variant.source(pass, { isPacked: spans !== undefined }),
    prepare: () => {
      const shapes = [q.shape, k.shape, k.shape, q.shape, q.shape, [B, T, H, 2]];
      return [...shapes.map((shape, i) => variedValues(shape, i)), someSpans(B, T)];
    },
    compute: (variant, inputs) => {
      const [likeQ, likeK, likeV, dY, y, stats, likeSpans] = inputs as [...Required4D, tf.Tensor];
      const isPacked = spans !== undefined;
      const heads = { q: likeQ, k: likeK, v: likeV };
      const made = run(pass, { ...heads, dY, y, stats, spans: isPacked ? likeSpans : undefined }, variant);
      // The pass over keys also writes the statistics.
      return pass === 'queries' ? [...made, tf.add(stats, 0)] : made;
    },
  });
}

/** Spans of rows whose first half is shared by three parts. */
function someSpans(B: number, T: number): tf.Tensor {
  const shared = Math.floor(T / 2);
  const part = Math.ceil((T - shared) / 3);
  const ofRow = Array.from({ length: T }, (_, t) => {
    return t < shared ? [0, 0] : [shared, shared + part * Math.floor((t - shared) / part)];
  }).flat();
  return tf.tensor(
    Int32Array.from({ length: B * ofRow.length }, (_, i) => ofRow[i % ofRow.length] ?? 0),
    [B, T, 2],
  );
}

type Required4D = [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
