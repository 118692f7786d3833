/**
 * Causal attention with grouped queries on the GPU, without a matrix of scores in memory (flash attention, arXiv 2307.08691);
 * in packed rows (data/packed-rows.ts) a query sees two stretches of keys, and blocks that none of its block sees are
 * stepped over.
 *
 * Forward, queries go past all their keys, four at a time, with a running maximum and sum (arXiv 1805.02867). Kept for the
 * backward pass are the result and the logarithm of each query's normaliser; scores are computed again. Backward, one pass goes
 * along the keys of queries and gives dQ; another along the queries of keys, over all heads that share them, and gives dK and
 * dV. So nothing is added by two invocations, and no barrier or atomic is needed. There are two ways to do each pass, with the
 * same bits (attention-blocks.ts, attention-lanes.ts); which is faster on the device at hand is measured (gpu/variant-choice.ts).
 *
 * q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, K divides H; spans `[B,T,2]`, whole numbers. Row statistics `[B,T,H,2]`: the log
 * normaliser, written forward, and the inner product of dY and y, written by the backward pass along keys into the same
 * tensor, since a shader may be given no more than eight. All else is overwritten. Sums of vectors grow in the outputs
 * themselves: an array of an invocation's own would have to be indexed. D must be a multiple of four.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, subgroupLanes, variantChoices } from '../gpu/dispatch.ts';
import { magnitude, variedValues } from '../gpu/variant-choice.ts';
import { BLOCKS_VARIANT } from './attention-blocks.ts';
import { LEAST_LANES, lanesVariant } from './attention-lanes.ts';
import type { Pass, PassVariant } from './attention-shader.ts';

/** Queries, keys and values. */
export interface Heads {
  readonly q: tf.Tensor4D;
  readonly k: tf.Tensor4D;
  readonly v: tf.Tensor4D;
}

/** What attention gives, and what its backward pass needs of it. */
export interface Attended {
  readonly y: tf.Tensor4D;
  readonly stats: tf.Tensor4D;
}

/**
 * `softmax(q k^T / sqrt(D)) v` over the keys up to each query, or over those it sees.
 *
 * @param spans - of packed rows: the keys `s < sharedEnd` and `ownStart <= s <= t`, with `sharedEnd <= ownStart <= t`
 * @param variant - of choice, for tests; by default the one that was measured to be the fastest
 */
export function attentionForward(heads: Heads, spans?: tf.Tensor3D, variant?: PassVariant): Attended {
  const [y, stats] = run('forward', { ...heads, spans }, variant);
  return { y: y as tf.Tensor4D, stats: stats as tf.Tensor4D };
}

/** The gradients of queries, keys and values. Parameters as of {@link attentionForward}. */
export function attentionBackward(
  dY: tf.Tensor4D,
  heads: Heads,
  { y, stats }: Attended,
  spans?: tf.Tensor3D,
  variant?: PassVariant,
): Heads {
  const given = { ...heads, dY, y, stats, spans };
  const [dQ] = run('queries', given, variant);
  const [dK, dV] = run('keys', given, variant);
  return { q: dQ as tf.Tensor4D, k: dK as tf.Tensor4D, v: dV as tf.Tensor4D };
}

/** All variants that the device can run, the one that anything can be begun with first. */
export function attentionVariants(): [PassVariant, ...PassVariant[]] {
  const lanes = subgroupLanes();
  return [BLOCKS_VARIANT, ...(lanes === undefined || lanes < LEAST_LANES ? [] : [lanesVariant(lanes)])];
}

/** What a pass may read; spans and the tensors of the backward passes where there are some. */
interface Given extends Heads {
  readonly spans?: tf.Tensor | undefined;
  readonly dY?: tf.Tensor;
  readonly y?: tf.Tensor;
  /** Also written to along keys. */
  readonly stats?: tf.Tensor;
}

/** Runs a pass; gives the tensors that it made. */
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

/** Passes with fewer positions are done by blocks: there is little to share. */
const LEAST_POSITIONS = 16;

function pick(pass: Pass, { q, k, spans }: Given): PassVariant {
  const [variants, [B, T, H, D], K] = [attentionVariants(), q.shape, k.shape[2]];
  if (T < LEAST_POSITIONS) return variants[0];
  const sizes = [B * (pass === 'keys' ? K : H), T, D].map(magnitude).join(' x ');
  return variantChoices().pick({
    key: `attention ${spans === undefined ? '' : 'packed '}${pass} ${sizes}`,
    variants,
    prepare: () => {
      const shapes = [q.shape, k.shape, k.shape, q.shape, q.shape, [B, T, H, 2]];
      return [...shapes.map((shape, i) => variedValues(shape, i)), someSpans(B, T)];
    },
    compute: (variant, inputs) => {
      const [likeQ, likeK, likeV, dY, y, stats, likeSpans] = inputs as [...Required4D, tf.Tensor];
      const isPacked = spans !== undefined;
      const heads = { q: likeQ, k: likeK, v: likeV };
      const made = run(pass, { ...heads, dY, y, stats, spans: isPacked ? likeSpans : undefined }, variant);
      // Along queries the statistics are written to as well.
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
