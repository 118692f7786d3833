/**
 * tfjs-wasm kernels that are replaced by faster ones; the only file that knows how tfjs-wasm keeps its tensors.
 *
 * tfjs-wasm 4.22 hands a product to XNNPACK only if it is a single one of untransposed matrices; all others run through a
 * scalar loop, ten times slower. Its C++ side finds a tensor by a number and reads it from an address, so a part of a
 * tensor can be registered as a tensor of its own, without a copy: a batch of products becomes many single ones, each
 * reading and writing in place. Its `slice` copies the whole source first, its `identity` copies although tensors never
 * change, `transpose` walks memory against the grain, and `gather` computes the place of every single number.
 *
 * Whatever does not fit goes to the stock kernel, which stays registered under {@link STOCK}.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** The kernel backend under which the stock kernels can still be called. */
const STOCK = 'wasm-stock';

/** Numbers of the parts of tensors in tfjs-wasm's C++ side, far above any that it gives itself. */
const [LEFT, RIGHT, RESULT] = [2 ** 30, 2 ** 30 + 1, 2 ** 30 + 2] as const;

/** In a batch, products with fewer rows are faster in the stock loop than packed for XNNPACK one by one. */
const LEAST_ROWS = 4;

/** Matrices smaller than this fit the first-level cache, where the stock transpose is fast. */
const LEAST_BLOCKED_SIZE = 16_384;
/** Edge of the squares that a transpose moves together: a cache line of float32. */
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

/** Replaces the kernels; call it once tfjs-wasm has been loaded and before its backend is made. Again does nothing. */
export function replaceWasmKernels(): void {
  if (tf.getKernelsForBackend(STOCK).length > 0) return;
  for (const [kernelName, kernelFunc] of Object.entries(KERNELS)) {
    const stock = tf.getKernel(kernelName, 'wasm');
    tf.registerKernel({ ...stock, backendName: STOCK });
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...stock, kernelFunc }); // with the stock kernel's set-up, which it needs to be called
  }
}

function callStock(kernelName: string, call: KernelCall): tf.TensorInfo {
  return tf.getKernel(kernelName, STOCK).kernelFunc(call) as tf.TensorInfo; // none of these kernels gives several
}

/** `[...,M,K] @ [...,K,N]`, each operand transposed if asked. */
function batchMatMul(call: KernelCall): tf.TensorInfo {
  const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
  const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
  const backend = call.backend as BackendWasm;
  const batch = a.shape.slice(0, -2);
  const G = tf.util.sizeFromShape(batch);
  const [M = 0, K = 0] = inOrder(a.shape.slice(-2), transposeA);
  const [inner = 0, N = 0] = inOrder(b.shape.slice(-2), transposeB);
  const isFast = G === 1 && !transposeA && !transposeB;
  // A single product goes one way whatever its rows, so that what a row gives does not depend on how many there are.
  const isSmall = a.shape.length > 2 && M < LEAST_ROWS;
  const isPairwise = tf.util.arraysEqual(batch, b.shape.slice(0, -2)) && K === inner;
  const isFloat = a.dtype === 'float32' && b.dtype === 'float32';
  // The stock kernel also repeats a batch along an axis of 1, and says what is wrong with sizes that do not fit.
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
    // Also drops what XNNPACK has packed for the right operand.
    for (const { id } of parts) tfjs.disposeData(id);
  }
}

/** Emscripten's way to call an exported function. */
type CWrap = (name: string, returns: null, types: readonly string[]) => (...values: readonly unknown[]) => void;
/** Left number, shape, rank; right number, shape, rank; whether to transpose each; number of the result. */
const MULTIPLY_ARGUMENTS = ['number', 'array', 'number', 'number', 'array', 'number', 'number', 'number', 'number'];
const FLOAT_BYTES = 4;

function int32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** G matrices `[R,C]`, each transposed: `[G,C,R]`. */
function transposeEach(backend: BackendWasm, x: tf.TensorInfo, G: number, R: number, C: number): tf.TensorInfo {
  if (R * C < LEAST_BLOCKED_SIZE) {
    const source = { ...x, shape: [G, R, C] };
    return callStock('Transpose', { inputs: { x: source }, attrs: { perm: [0, 2, 1] }, backend });
  }
  const result = backend.makeOutput([G, C, R], 'float32');
  const [from, to] = [floatsOf(backend, x), floatsOf(backend, result)];
  for (let g = 0; g < G; g++) transposeBlocks(from, to, g * R * C, R, C);
  return result;
}

/** Moves square after square, so that both what is read and what is written stays in cache. */
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

/** A large matrix is moved in blocks. */
function transpose(call: KernelCall): tf.TensorInfo {
  const { x } = call.inputs as { x: tf.TensorInfo };
  const { perm } = call.attrs as { perm: number[] };
  const backend = call.backend as BackendWasm;
  const [R = 0, C = 0] = x.shape;
  const isMatrix = x.shape.length === 2 && perm[0] === 1;
  if (!isMatrix || x.dtype !== 'float32' || R * C < LEAST_BLOCKED_SIZE) return callStock('Transpose', call);
  const result = backend.makeOutput([C, R], 'float32');
  transposeBlocks(floatsOf(backend, x), floatsOf(backend, result), 0, R, C);
  return result;
}

/** A part that lies together is copied straight from where it is. */
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

/** Rows of a matrix, each copied in one go. */
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

/** The same data under one more name: tensors never change. */
function identity(call: KernelCall): tf.TensorInfo {
  const { x } = call.inputs as { x: tf.TensorInfo };
  (call.backend as BackendWasm).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/**
 * A view of a tensor. To be taken after the result is made and dropped before the next allocation, which may move plain
 * memory; memory that threads share grows in place.
 */
function floatsOf(backend: BackendWasm, x: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(x) as Float32Array;
}
