/**
 * Matrix products on the GPU. There are several variants, each in its own file; the fastest for a shape on the device
 * is chosen by timing (gpu/variant-choice.ts). All sum over the inner axis in order, one `fma` at a time: a result has
 * the same bits in every variant, and depends only on its row and column.
 *
 * In: A `[M,K]` or, transposed, `[K,M]`; B `[K,N]` or `[N,K]`, each in float32 or halves; optionally a bias `[N]`, and
 * a matrix `[M,N]` to add, or one that gates the result. Out: `[M,N]`, overwritten. Sums are always float32.
 *
 * This room holds the WGSL kernels and their dispatch; gradients and composites are in ops/.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, subgroupLanes, variantChoices } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, scratchOf, wasmScratch } from '../gpu/wasm-calls.ts';
import { magnitude, variedBits, variedValues } from '../gpu/variant-choice.ts';
import type { HalfMatrix } from './halves.ts';
import { blocksVariant } from './matmul-blocks.ts';
import { lanesVariant } from './matmul-lanes.ts';
import { outerVariant } from './matmul-outer.ts';
import {
  type Arrangement,
  type MatmulVariant,
  type ProductForm,
  type ProductSizes,
  shaderOf,
} from './matmul-shader.ts';
import { tilesVariant } from './matmul-tiles.ts';
import { transposed } from './transposed.ts';

export type { Arrangement } from './matmul-shader.ts';

/** An operand of a product. */
export type Matrix = tf.Tensor2D | HalfMatrix;

/** The terms added to a product before it is written. */
export interface Epilogue {
  /** `[N]`, added to each row. */
  readonly bias?: tf.Tensor1D | undefined;
  /** `[M,N]` */
  readonly residual?: tf.Tensor2D | undefined;
}

/** `A B (+ bias) (+ residual)`, `[M,N]`. */
export function matmulKernel(a: Matrix, b: Matrix, arrangement: Arrangement, epilogue: Epilogue = {}): tf.Tensor2D {
  return computed({ a, b, arrangement, ...epilogue }).product;
}

/**
 * The second product of a SwiGLU: `up = A B` and `gated = silu(gate) up`, `[M,N]` both.
 *
 * @param gate - `[M,N]`, the first product
 */
export function gatedMatmulKernel(
  a: Matrix,
  b: Matrix,
  arrangement: Arrangement,
  gate: tf.Tensor2D,
): { readonly up: tf.Tensor2D; readonly gated: tf.Tensor2D } {
  const { product, gated } = computed({ a, b, arrangement, gate });
  return { up: product, gated: gated ?? product };
}

/** A product by a given variant, for tests and benchmarks. */
export function matmulBy(
  variant: MatmulVariant,
  a: Matrix,
  b: Matrix,
  arrangement: Arrangement,
  epilogue: Epilogue & { readonly gate?: tf.Tensor2D | undefined } = {},
): Computed {
  return compute(variant, { a, b, arrangement, ...epilogue });
}

/**
 * All variants that the device can run, with the universal one first. The others read and write four numbers of a row
 * at a time, so their rows must start at a multiple of four.
 */
export function matmulVariants(arrangement: Arrangement): [MatmulVariant, ...MatmulVariant[]] {
  const lanes = subgroupLanes();
  return [
    blocksVariant(arrangement),
    outerVariant(arrangement),
    tilesVariant(arrangement),
    ...(lanes === undefined ? [] : [lanesVariant(arrangement, lanes)]),
  ];
}

/** Products with fewer rows (the next token of few sequences), less work, or odd rows use blocks. */
const MIN_ROWS = 16;
const MIN_WORK = 2 ** 19;

function pick(a: Matrix, b: Matrix, arrangement: Arrangement): MatmulVariant {
  const { M, N, K } = sizesOf(a, b, arrangement);
  const isAligned = [a.shape[1], b.shape[1], N].every((size) => size % 4 === 0);
  if (!isAligned || M < MIN_ROWS || M * N * K < MIN_WORK) return blocksVariant(arrangement);
  const kinds = [a, b].map((operand) => (isHalf(operand) ? 'f16' : 'f32')).join(' ');
  return variantChoices().pick({
    key: `product ${arrangement} ${kinds} ${[M, N, K].map(magnitude).join(' x ')}`,
    variants: matmulVariants(arrangement),
    source: (variant) => shaderOf(formOf({ a, b, arrangement }), variant),
    prepare: () => [someValues(a), someValues(b)],
    compute: (variant, [first, second]) => {
      const [likeA, likeB] = [ofKind(a, first), ofKind(b, second)];
      return [compute(variant, { a: likeA, b: likeB, arrangement }).product];
    },
  });
}

/** Values to time variants with, in the format of the operand. */
function someValues(operand: Matrix): tf.Tensor {
  if (!isHalf(operand)) return variedValues(operand.shape);
  // A random sign and fraction for each half, with the exponent of 1/2.
  const words = new Int32Array(operand.packed.size);
  for (let i = 0; i < words.length; i++) words[i] = (variedBits(i) & 0x83ff83ff) | 0x38003800;
  return tf.tensor(words, operand.packed.shape, 'int32');
}

function ofKind(operand: Matrix, tensor: tf.Tensor | undefined): Matrix {
  return isHalf(operand) ? { packed: tensor as tf.Tensor2D, shape: operand.shape } : (tensor as tf.Tensor2D);
}

/** A product, and optionally its product with the other factor of a SwiGLU. */
interface Computed {
  readonly product: tf.Tensor2D;
  readonly gated: tf.Tensor2D | undefined;
}

/** A product with its inputs. */
interface Product extends Epilogue {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly arrangement: Arrangement;
  readonly gate?: tf.Tensor2D | undefined;
}

/** By the kernel in WebAssembly, or by the fastest variant on the GPU. */
function computed(product: Product): Computed {
  if (hasWasmKernels()) return computeOnWasm(product);
  return compute(pick(product.a, product.b, product.arrangement), product);
}

function compute(variant: MatmulVariant, product: Product): Computed {
  if (variant.transposesB !== true || product.arrangement !== 'nt') return record(variant, product);
  const b = transposed(product.b); // [N,K] -> [K,N]
  const computed = record(variant, { ...product, b, arrangement: 'nn' });
  b.dispose();
  return computed;
}

function formOf({ a, b, arrangement, bias, residual, gate }: Product): ProductForm {
  return {
    arrangement,
    isHalf: { a: isHalf(a), b: isHalf(b) },
    isAligned: {
      a: a.shape[1] % 4 === 0,
      b: b.shape[1] % 4 === 0,
      product: sizesOf(a, b, arrangement).N % 4 === 0,
    },
    hasBias: bias !== undefined,
    hasResidual: residual !== undefined,
    hasGate: gate !== undefined,
  };
}

function record(variant: MatmulVariant, made: Product): Computed {
  const { a, b, arrangement, bias, residual, gate } = made;
  const { M, N, K } = sizesOf(a, b, arrangement);
  const form = formOf(made);
  const product = allocate<tf.Rank.R2>([M, N]);
  const gated = gate === undefined ? undefined : allocate<tf.Rank.R2>([M, N]);
  const optional = [bias, residual, gate, product, gated].filter((tensor) => tensor !== undefined);
  const [rows, columns] = variant.tile;
  dispatch({
    program: { key: keyOf(variant, form), source: () => shaderOf(form, variant) },
    tensors: [storedIn(a), storedIn(b), ...optional],
    parameters: [M, N, K],
    size: [Math.ceil(N / columns), Math.ceil(M / rows)],
    workgroupSize: [1, 1],
  });
  return { product, gated };
}

/** In the order of the arrangements of `assembly/product.ts`. */
const TURNED: Readonly<Record<Arrangement, number>> = { nn: 0, nt: 1, tn: 2 };

function computeOnWasm({ a, b, arrangement, bias, residual, gate }: Product): Computed {
  const { M, N, K } = sizesOf(a, b, arrangement);
  const product = allocate<tf.Rank.R2>([M, N]);
  const gated = gate === undefined ? undefined : allocate<tf.Rank.R2>([M, N]);
  const tensors = [storedIn(a), storedIn(b), bias, residual, gate, product, gated];
  callWasm('matmul', tensors, [M, N, K, TURNED[arrangement], wasmScratch(scratchOf('productScratch'))]);
  return { product, gated };
}

function sizesOf(a: Matrix, b: Matrix, arrangement: Arrangement): ProductSizes {
  const [M, K] = arrangement === 'tn' ? [a.shape[1], a.shape[0]] : a.shape;
  return { M, K, N: arrangement === 'nt' ? b.shape[0] : b.shape[1] };
}

/** Unique for the source of the shader. */
function keyOf({ name }: MatmulVariant, form: ProductForm): string {
  const { arrangement, isHalf: halves, isAligned: aligned, hasBias, hasResidual, hasGate } = form;
  const marks = {
    'a16 ': halves.a,
    'b16 ': halves.b,
    'odd-a ': !aligned.a,
    'odd-b ': !aligned.b,
    'odd ': !aligned.product,
    'bias ': hasBias,
    'residual ': hasResidual,
    'gate ': hasGate,
  };
  const set = Object.entries(marks).flatMap(([mark, isSet]) => (isSet ? [mark] : []));
  return `matmul ${arrangement} ${set.join('')}${name}`;
}

function isHalf(operand: Matrix): operand is HalfMatrix {
  return 'packed' in operand;
}

function storedIn(operand: Matrix): tf.Tensor {
  return isHalf(operand) ? operand.packed : operand;
}
