/**
 * Faster replacements for tfjs-wasm kernels. This file and wasm-calls.ts depend on how tfjs-wasm stores its tensors.
 *
 * tfjs-wasm 4.22 passes a product to XNNPACK only if it is a single product of untransposed matrices; all others run
 * through a scalar loop, ten times slower. Its C++ side identifies a tensor by a number and reads it from an address,
 * so a part of a tensor can be registered as a separate tensor without a copy: a batch of products becomes many single
 * ones that read and write in place. Its `slice` first copies the whole source, its `identity` copies although tensors
 * never change, `transpose` walks memory with a large stride, and `gather` computes the address of every number.
 *
 * Everything else goes to the stock kernel, which stays registered under {@link STOCK}.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** The kernel backend under which the stock kernels can still be called. */
const STOCK = 'wasm-stock';

/** Ids of tensor parts on the C++ side of tfjs-wasm, far above those it assigns itself. */
const [LEFT, RIGHT, RESULT] = [2 ** 30, 2 ** 30 + 1, 2 ** 30 + 2] as const;

/** In a batch, products with fewer rows are faster in the stock loop than when packed for XNNPACK one by one. */
const MIN_ROWS = 4;

/** Smaller matrices fit the first-level cache, where the stock transpose is fast. */
const MIN_BLOCKED_SIZE = 16_384;
/** Edge of the blocks of a transpose: a cache line of float32. */
const BLOCK = 16;

type Kernel = tf.KernelFunc;
type KernelCall = Parameters<Kernel>[0];

const KERNELS: Readonly<Record<string, Kernel>> = {
  BatchMatMul: batchMatMul,
  GatherV2: gather,
  Identity: identity,
  Slice: slice,
  Transpose: transpose,
};

/**
 * Replaces the kernels; call it after tfjs-wasm is loaded and before its backend is created. Further calls do nothing.
 */
export function replaceWasmKernels(): void {
  if (tf.getKernelsForBackend(STOCK).length > 0) return;
  for (const [kernelName, kernelFunc] of Object.entries(KERNELS)) {
    const stock = tf.getKernel(kernelName, 'wasm');
    tf.registerKernel({ ...stock, backendName: STOCK });
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...stock, kernelFunc }); // includes the set-up function of the stock kernel
  }
}

function callStock(kernelName: string, call: KernelCall): tf.TensorInfo {
  return tf.getKernel(kernelName, STOCK).kernelFunc(call) as tf.TensorInfo; // none of these kernels has several outputs
}

/** `[...,M,K] @ [...,K,N]`, each operand optionally transposed. */
function batchMatMul(call: KernelCall): tf.TensorInfo {
  const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
  const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
  const backend = call.backend as BackendWasm;
  const batch = a.shape.slice(0, -2);
  const G = tf.util.sizeFromShape(batch);
  const [M = 0, K = 0] = inOrder(a.shape.slice(-2), transposeA);
  const [inner = 0, N = 0] = inOrder(b.shape.slice(-2), transposeB);
  const isFast = G === 1 && !transposeA && !transposeB;
  // A single product takes one path for any number of rows, so that a row's result does not depend on the other rows.
  const isSmall = a.shape.length > 2 && M < MIN_ROWS;
  const isPairwise = tf.util.arraysEqual(batch, b.shape.slice(0, -2)) && K === inner;
  const isFloat = a.dtype === 'float32' && b.dtype === 'float32';
  // The stock kernel also broadcasts a batch along an axis of 1, and reports incompatible sizes.
  if (isFast || !isPairwise || !isFloat || isSmall || M * K * N === 0) return callStock('BatchMatMul', call);

  const left = transposeA ? transposeEach(backend, a, G, K, M) : a;
  const right = transposeB ? transposeEach(backend, b, G, N, K) : b;
  const result = backend.makeOutput([...batch, M, N], 'float32');
  multiplyEach(backend, left, right, result, [G, M, K, N]);
  if (transposeA) backend.disposeData(left.dataId);
  if (transposeB) backend.disposeData(right.dataId);
  return result;
}

function inOrder(sizes: readonly number[], isTransposed: boolean): readonly number[] {
  return isTransposed ? sizes.toReversed() : sizes;
}

/** G products of single matrices, each on its part of the tensors. */
function multiplyEach(
  backend: BackendWasm,
  left: tf.TensorInfo,
  right: tf.TensorInfo,
  result: tf.TensorInfo,
  [G, M, K, N]: readonly [number, number, number, number],
): void {
  const { tfjs, cwrap } = backend.wasm as BackendWasm['wasm'] & { readonly cwrap: CWrap };
  const multiply = cwrap('BatchMatMul', null, MULTIPLY_ARGUMENTS);
  const [shapeOfLeft, shapeOfRight] = [int32Bytes([1, M, K]), int32Bytes([1, K, N])];
  const parts = [
    { id: LEFT, size: M * K, start: backend.getMemoryOffset(left.dataId) },
    { id: RIGHT, size: K * N, start: backend.getMemoryOffset(right.dataId) },
    { id: RESULT, size: M * N, start: backend.getMemoryOffset(result.dataId) },
  ];
  for (let g = 0; g < G; g++) {
    for (const { id, size, start } of parts) tfjs.registerTensor(id, size, start + FLOAT_BYTES * g * size);
    multiply(LEFT, shapeOfLeft, 3, RIGHT, shapeOfRight, 3, 0, 0, RESULT);
    // Also drops what XNNPACK packed for the right operand.
    for (const { id } of parts) tfjs.disposeData(id);
  }
}

/** Emscripten's wrapper of an exported function. */
type CWrap = (name: string, returns: null, types: readonly string[]) => (...values: readonly unknown[]) => void;
/** Left id, shape, rank; right id, shape, rank; whether to transpose each; id of the result. */
const MULTIPLY_ARGUMENTS = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number', 'number'];
const FLOAT_BYTES = 4;

function int32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** G matrices `[R,C]`, each transposed: `[G,C,R]`. */
function transposeEach(backend: BackendWasm, x: tf.TensorInfo, G: number, R: number, C: number): tf.TensorInfo {
  if (R * C < MIN_BLOCKED_SIZE) {
    const source = { ...x, shape: [G, R, C] };
    return callStock('Transpose', { inputs: { x: source }, attrs: { perm: [0, 2, 1] }, backend });
  }
  const result = backend.makeOutput([G, C, R], 'float32');
  const [from, to] = [floatsOf(backend, x), floatsOf(backend, result)];
  for (let g = 0; g < G; g++) transposeBlocks(from, to, g * R * C, R, C);
  return result;
}

/** Moves block after block, so that both reads and writes stay in cache. */
function transposeBlocks(from: Float32Array, to: Float32Array, start: number, R: number, C: number): void {
  for (let r0 = 0; r0 < R; r0 += BLOCK) {
    const rEnd = Math.min(R, r0 + BLOCK);
    for (let c0 = 0; c0 < C; c0 += BLOCK) {
      const cEnd = Math.min(C, c0 + BLOCK);
      for (let c = c0; c < cEnd; c++) {
        for (let r = r0; r < rEnd; r++) to[start + c * R + r] = from[start + r * C + c] ?? 0;
      }
    }
  }
}

/** Transposes a large matrix in blocks. */
function transpose(call: KernelCall): tf.TensorInfo {
  const { x } = call.inputs as { x: tf.TensorInfo };
  const { perm } = call.attrs as { perm: number[] };
  const backend = call.backend as BackendWasm;
  const [R = 0, C = 0] = x.shape;
  const isMatrix = x.shape.length === 2 && perm[0] === 1;
  if (!isMatrix || x.dtype !== 'float32' || R * C < MIN_BLOCKED_SIZE) return callStock('Transpose', call);
  const result = backend.makeOutput([C, R], 'float32');
  transposeBlocks(floatsOf(backend, x), floatsOf(backend, result), 0, R, C);
  return result;
}

/** Copies a contiguous part directly. */
function slice(call: KernelCall): tf.TensorInfo {
  const { x } = call.inputs as { x: tf.Tensor };
  const { begin, size } = call.attrs as { begin: number[]; size: number[] };
  const backend = call.backend as BackendWasm;
  const [start = [], shape = []] = tf.slice_util.parseSliceParams(x, begin, size);
  if (x.dtype !== 'float32' || !tf.slice_util.isSliceContinous(x.shape, start, shape)) return callStock('Slice', call);
  const result = backend.makeOutput(shape, 'float32');
  const first = tf.slice_util.computeFlatOffset(start, tf.util.computeStrides(x.shape));
  floatsOf(backend, result).set(floatsOf(backend, x).subarray(first, first + tf.util.sizeFromShape(shape)));
  return result;
}

/** Gathers rows of a matrix, copying each at once. */
function gather(call: KernelCall): tf.TensorInfo {
  const { x, indices } = call.inputs as { x: tf.TensorInfo; indices: tf.TensorInfo };
  const { axis, batchDims } = call.attrs as { axis: number; batchDims: number };
  const backend = call.backend as BackendWasm;
  const isRows = x.shape.length === 2 && axis === 0 && indices.shape.length === 1 && batchDims === 0;
  if (!isRows || x.dtype !== 'float32' || indices.dtype !== 'int32') return callStock('GatherV2', call);
  const [R = 0, C = 0] = x.shape;
  const result = backend.makeOutput([tf.util.sizeFromShape(indices.shape), C], 'float32');
  const [from, to] = [floatsOf(backend, x), floatsOf(backend, result)];
  for (const [n, row] of (backend.typedArrayFromHeap(indices) as Int32Array).entries()) {
    tf.util.assert(row >= 0 && row < R, () => `gather: row ${row} is not in [0, ${R - 1}]`);
    to.set(from.subarray(row * C, (row + 1) * C), n * C);
  }
  return result;
}

/** A second reference to the same data, because tensors never change. */
function identity(call: KernelCall): tf.TensorInfo {
  const { x } = call.inputs as { x: tf.TensorInfo };
  (call.backend as BackendWasm).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/**
 * A view of a tensor. Take it after the result is allocated, and drop it before the next allocation, which may move
 * unshared memory; memory shared by threads grows in place.
 */
function floatsOf(backend: BackendWasm, x: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(x) as Float32Array;
}
