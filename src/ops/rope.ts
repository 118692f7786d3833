/**
 * Rotary position embedding (arXiv 2104.09864) in Hugging Face's "rotate half" layout: dimension i rotates with i +
 * D/2.
 *
 * With kernels the op is one pass, together with the normalisation of queries and keys that precedes it in Qwen3. In
 * the composite, `rotateHalf(x) = (-x2, x1)` is a product with a constant `[D,D]` matrix of signs: one fast matmul instead
 * of two slices and a concat, which are slow on wasm and two more dispatches on WebGPU.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { rotateBackward, rotateForward } from '../kernels/head-rotation.ts';
import { differentiable } from './differentiable.ts';
import { rmsNorm } from './rms-norm.ts';

/** The tables of RoPE for some positions. */
export interface RopeTables {
  /** `[T,1,D]`, or `[B,T,1,D]` if positions differ between sequences. */
  readonly cos: tf.Tensor;
  /** Like `cos`. */
  readonly sin: tf.Tensor;
  /** `[D,D]`, x @ rotation = rotateHalf(x) */
  readonly rotation: tf.Tensor2D;
}

/**
 * Tables for positions `first .. first + count - 1`, computed in float64 and stored in float32.
 *
 * @param D - head dim, even
 * @param theta - base of the frequencies
 */
export function ropeTables(first: number, count: number, D: number, theta: number): RopeTables {
  const positions = Int32Array.from({ length: count }, (_, t) => first + t);
  return tablesOf(positions, [count, 1, D], theta);
}

/** Tables for B sequences with individual positions, B*T; otherwise as {@link ropeTables}. */
export function ropeTablesAt(positions: Int32Array, B: number, D: number, theta: number): RopeTables {
  return tablesOf(positions, [B, positions.length / B, 1, D], theta);
}

function tablesOf(positions: Int32Array, shape: number[], theta: number): RopeTables {
  const D = shape.at(-1) ?? 0;
  const half = D / 2;
  const cos = new Float32Array(positions.length * D);
  const sin = new Float32Array(positions.length * D);
  const angles = rowsOf(D, theta);
  for (const [n, position] of positions.entries()) {
    const row = angles(position);
    cos.set(row.cos, n * D);
    sin.set(row.sin, n * D);
  }
  const rotation = new Float32Array(D * D);
  for (let d = 0; d < half; d++) {
    rotation[(d + half) * D + d] = -1; // out[d] = -x[d + D/2]
    rotation[d * D + d + half] = 1; // out[d + D/2] = x[d]
  }
  return {
    cos: tf.tensor(cos, shape),
    sin: tf.tensor(sin, shape),
    rotation: tf.tensor2d(rotation, [D, D]),
  };
}

/** [D] each, of one position. */
interface RopeRow {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Computes the row of a position once, because many prompts in a row have the same positions. */
function rowsOf(D: number, theta: number): (position: number) => RopeRow {
  const half = D / 2;
  const frequencies = Float64Array.from({ length: D }, (_, d) => theta ** (-(d % half) / half));
  const rows = new Map<number, RopeRow>();
  return (position) => {
    let row = rows.get(position);
    if (row === undefined) {
      const angles = frequencies.map((frequency) => position * frequency);
      row = { cos: Float32Array.from(angles, Math.cos), sin: Float32Array.from(angles, Math.sin) };
      rows.set(position, row);
    }
    return row;
  };
}

/** An RMS normalisation of each head. */
export interface HeadNorm {
  /** `[D]` */
  readonly gain: tf.Tensor1D;
  /** Added to the mean square. */
  readonly eps: number;
}

/**
 * Rotates every head by its position.
 *
 * @param x - `[B,T,H,D]`
 * @param tables - for T positions, shared by all sequences or individual
 * @param norm - the normalisation before the rotation; default: none
 * @returns `[B,T,H,D]`
 */
export function rope(x: tf.Tensor4D, tables: RopeTables, norm?: HeadNorm): tf.Tensor4D {
  if (usesKernels()) return fused(x, tables, norm);
  if (norm === undefined) return composite(x, tables);
  const [B, T, H, D] = x.shape;
  const rows: tf.Tensor2D = tf.reshape(x, [B * T * H, D]); // [B,T,H,D] -> [B*T*H,D]
  return composite(tf.reshape(rmsNorm(rows, norm.gain, norm.eps), [B, T, H, D]), tables);
}

function fused(x: tf.Tensor4D, { cos, sin }: RopeTables, norm?: HeadNorm): tf.Tensor4D {
  return differentiable<tf.Tensor[], tf.Tensor4D>({
    inputs: norm === undefined ? [x] : [x, norm.gain],
    forward: (save) => {
      for (const tensor of [x, cos, sin, ...(norm === undefined ? [] : [norm.gain])]) save(tensor);
      return rotateForward(x, { cos, sin }, norm);
    },
    backward: (dY, saved) => {
      const [savedX, savedCos, savedSin, gain] = saved as [tf.Tensor4D, tf.Tensor, tf.Tensor, tf.Tensor1D?];
      const savedNorm = gain === undefined || norm === undefined ? undefined : { gain, eps: norm.eps };
      const { dX, dGain } = rotateBackward(dY, savedX, { cos: savedCos, sin: savedSin }, savedNorm);
      return dGain === undefined ? [dX] : [dX, dGain];
    },
  });
}

function composite(x: tf.Tensor4D, tables: RopeTables): tf.Tensor4D {
  const { cos, sin, rotation } = tables;
  return differentiable<[tf.Tensor4D], tf.Tensor4D>({
    inputs: [x],
    forward: (save) => {
      for (const table of [cos, sin, rotation]) save(table);
      return tf.add(tf.mul(x, cos), tf.mul(multiplyHeads(x, rotation, false), sin));
    },
    // The transpose of a rotation: the sine part goes back through rotation^T.
    backward: (dY, saved) => {
      const [savedCos, savedSin, savedRotation] = saved as [tf.Tensor, tf.Tensor, tf.Tensor2D];
      return [tf.add(tf.mul(dY, savedCos), multiplyHeads(tf.mul(dY, savedSin), savedRotation, true))];
    },
  });
}

function multiplyHeads(x: tf.Tensor, matrix: tf.Tensor2D, transpose: boolean): tf.Tensor4D {
  const [B, T, H, D] = x.shape as [number, number, number, number];
  const rows: tf.Tensor2D = tf.reshape(x, [B * T * H, D]); // [B,T,H,D] -> [B*T*H,D]
  return tf.reshape(tf.matMul(rows, matrix, false, transpose), [B, T, H, D]);
}
