/**
 * Matrices that stay compressed where kernels compute: in half precision, or as small integers with a scale per group.
 * For inference only; there is no gradient.
 *
 * On wasm, products expand some rows at a time and have the bits of those with plain tensors.
 *
 * A shader binding has a maximum size (128 MiB by default), which the embeddings of a large vocabulary exceed, so rows
 * are stored in shards that fit. Where there are no kernels, nothing stays compressed: weights become plain tensors
 * with exactly the values of their compressed form, so that quantisation has the same effect everywhere.
 */
import * as tf from '@tensorflow/tfjs-core';
import { floatsToHalves, halvesToFloats } from '../checkpoint/float16.ts';
import { dequantise, type QuantisedData } from '../checkpoint/quantised.ts';
import { allocate, bindingLimitBytes } from '../gpu/dispatch.ts';
import {
  type CompressedFormat,
  compressedMatmul,
  type CompressedRows,
  WEIGHTS_PER_WORD,
} from '../kernels/compressed-matmul.ts';
import { compressedRows } from '../kernels/compressed-rows.ts';
import type { Epilogue } from '../kernels/matmul.ts';

/** A compressed matrix on the GPU. Its creator must call {@link disposeCompressed}. */
export interface CompressedMatrix {
  /** `[O,I]` of the weights. */
  readonly shape: readonly [number, number];
  readonly format: CompressedFormat;
  /** All rows, in order. */
  readonly shards: readonly CompressedRows[];
}

/** Whether a matrix is a compressed one. */
export function isCompressed(matrix: tf.Tensor2D | CompressedMatrix): matrix is CompressedMatrix {
  return 'shards' in matrix;
}

/** A matrix of halves, as bit patterns. */
export interface HalvesData {
  /** `[O,I]` */
  readonly shape: readonly [number, number];
  readonly halves: Uint16Array;
}

/** Whether half-precision rows of this width can be read four at a time. */
export function canKeepHalves(width: number): boolean {
  return width % 4 === 0;
}

/** Weights rounded to half precision. */
export function toHalves(weights: Float32Array, shape: readonly [number, number]): HalvesData {
  return { shape, halves: floatsToHalves(weights) };
}

/** The weights that a compressed form represents. */
export function decompress(data: QuantisedData | HalvesData): Float32Array {
  return 'halves' in data ? halvesToFloats(data.halves) : dequantise(data);
}

/**
 * Uploads a matrix to the GPU in its compressed form.
 *
 * @param mostBytes - the maximum bytes per shard; default: the binding limit of the device
 */
export function uploadCompressed(
  data: QuantisedData | HalvesData,
  mostBytes: number = bindingLimitBytes(),
): CompressedMatrix {
  const format: CompressedFormat = 'halves' in data ? 'f16' : data.bits === 8 ? 'int8' : 'int4';
  const [O, I] = data.shape;
  const words = toWords('halves' in data ? data.halves : data.values);
  const wordsPerRow = I / WEIGHTS_PER_WORD[format];
  const scales = 'halves' in data ? undefined : halvesToFloats(data.scales);
  const groups = (scales?.length ?? 0) / O;
  const rowsPerShard = Math.max(1, Math.floor(mostBytes / (4 * wordsPerRow)));
  const shards: CompressedRows[] = [];
  for (let first = 0; first < O; first += rowsPerShard) {
    const end = Math.min(O, first + rowsPerShard);
    shards.push({
      first,
      values: tf.tensor2d(words.subarray(first * wordsPerRow, end * wordsPerRow), [end - first, wordsPerRow], 'int32'),
      scales: scales && tf.tensor2d(scales.subarray(first * groups, end * groups), [end - first, groups]),
    });
  }
  return { shape: data.shape, format, shards };
}

/** Frees the memory of a matrix. */
export function disposeCompressed({ shards }: CompressedMatrix): void {
  for (const { values, scales } of shards) tf.dispose(scales === undefined ? values : [values, scales]);
}

/** `x W^T (+ bias) (+ residual)`, `[N,O]`. @param x - `[N,I]` */
export function compressedLinear(
  x: tf.Tensor2D,
  { shape: [O], format, shards }: CompressedMatrix,
  added: Epilogue,
): tf.Tensor2D {
  const product = allocate<tf.Rank.R2>([x.shape[0], O]);
  for (const rows of shards) compressedMatmul(x, rows, format, product, added);
  return product;
}

/** Rows of a table by id, `[N,C]`. */
export function compressedEmbedding(
  { shape: [, C], format, shards }: CompressedMatrix,
  ids: Int32Array | tf.Tensor1D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const wanted = ids instanceof Int32Array ? tf.tensor1d(ids, 'int32') : ids;
    const found = allocate<tf.Rank.R2>([wanted.size, C]);
    for (const rows of shards) compressedRows(wanted, rows, format, found);
    return found;
  });
}

/** Bits as 32-bit words. All platforms with WebGPU are little-endian, like the files. */
function toWords(bits: Uint8Array | Uint16Array): Int32Array {
  const isAligned = bits.byteOffset % 4 === 0;
  const { buffer, byteOffset } = isAligned ? bits : bits.slice();
  return new Int32Array(buffer, byteOffset, bits.byteLength / 4);
}
