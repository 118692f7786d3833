/**
 * The lab's own WebAssembly kernels (`kernels/assembly`), which compute in the memory of tfjs's wasm backend, so that
 * no tensor is copied to them. This file and wasm-kernels.ts depend on how that backend stores tensors.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { LabError } from '../common/errors.ts';

/** The kernels, by their names in `kernels/assembly/index.ts`. */
export type WasmKernel =
  | 'adamW'
  | 'attendToSlots'
  | 'attentionBackward'
  | 'attentionForward'
  | 'attentionScratch'
  | 'columnSums'
  | 'compressedMatmul'
  | 'compressedRows'
  | 'compressedScratch'
  | 'copyParts'
  | 'innerProduct'
  | 'keepPlaces'
  | 'labelLogProbs'
  | 'matmul'
  | 'placeKeys'
  | 'productScratch'
  | 'rmsNormBackward'
  | 'rmsNormForward'
  | 'rotateAfter'
  | 'rotateBackward'
  | 'rotateForward'
  | 'scatterRows'
  | 'squaredNorms'
  | 'swiGluBackward'
  | 'swiGluForward'
  | 'tokenScoresBackward'
  | 'tokenScoresForward';

type Exports = Readonly<Record<WasmKernel, (...values: number[]) => number>>;

/** A range of a tensor to be copied into another. Sizes and offsets count elements. */
export interface Copy {
  readonly from: tf.Tensor;
  readonly fromStart: number;
  readonly to: tf.Tensor;
  readonly toStart: number;
  readonly size: number;
}

/** The members of Emscripten's module that are used here. */
interface Emscripten {
  /** What the module of one thread exports. */
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  /** Where threads share it. */
  readonly wasmMemory?: WebAssembly.Memory;
  readonly _malloc: (bytes: number) => number;
  readonly _free: (pointer: number) => void;
}

/** The kernels of one backend, and their scratch memory, which grows to the largest request so far. */
interface Instance {
  readonly exports: Exports;
  scratch: number;
  scratchBytes: number;
}

const instances = new WeakMap<tf.KernelBackend, Instance>();

/** Kernel calls so far, for benchmarks. */
let calls = 0;

/** The number of calls of the lab's kernels since the page or process was started. */
export function countWasmCalls(): number {
  return calls;
}

/** Whether the lab's WebAssembly kernels compute on the current backend. */
export function hasWasmKernels(): boolean {
  return instances.has(tf.backend());
}

/**
 * Opens the kernels on tfjs's current wasm backend. Without SIMD, or if the memory of tfjs is out of reach, nothing
 * changes: the composites compute.
 */
export async function openWasmKernels(): Promise<void> {
  const backend = tf.backend();
  const { asm, wasmMemory } = (backend as BackendWasm).wasm as unknown as Emscripten;
  const memory = wasmMemory ?? asm?.memory;
  if (instances.has(backend) || memory === undefined) return;
  // Loaded on demand, so that a page that computes on the GPU never fetches it.
  const { KERNELS_BASE64 } = await import('./wasm-binary.ts');
  const bytes = binaryFor(memory, KERNELS_BASE64);
  if (!WebAssembly.validate(bytes)) return;
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, log: Math.log } });
  instances.set(backend, { exports: instance.exports as Exports, scratch: 0, scratchBytes: 0 });
}

/**
 * Lets composites compute on the current backend, for tests and benchmarks.
 *
 * @returns lets the kernels compute again
 */
export function pauseWasmKernels(): () => void {
  const backend = tf.backend();
  const instance = instances.get(backend);
  instances.delete(backend);
  return () => {
    if (instance !== undefined) instances.set(backend, instance);
  };
}

/** The flags of an imported memory in the binary format: it has a maximum; it is also shared. */
const [HAS_MAXIMUM, IS_SHARED] = [1, 3] as const;
/** The import "env" "memory" of a memory, up to its flags. */
const MEMORY_IMPORT = [3, ...bytesOf('env'), 6, ...bytesOf('memory'), 2];

function bytesOf(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}

/** The module, importing a memory that is shared or not as the given one is; the format differs in one byte. */
function binaryFor({ buffer }: WebAssembly.Memory, base64: string): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const at = bytes.findIndex((_, start) => MEMORY_IMPORT.every((byte, i) => bytes[start + i] === byte));
  const isShared = typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
  bytes[at + MEMORY_IMPORT.length] = isShared ? IS_SHARED : HAS_MAXIMUM;
  return bytes;
}

/** The floats of scratch that a product needs, attention over T positions, or a product with compressed rows of T. */
export function scratchOf(kernel: 'productScratch' | 'attentionScratch' | 'compressedScratch', T = 0): number {
  return instanceOf(tf.backend()).exports[kernel](T);
}

function instanceOf(backend: tf.KernelBackend): Instance {
  const instance = instances.get(backend);
  if (instance !== undefined) return instance;
  throw new LabError('internal', {
    message: 'A WebAssembly kernel was called on another backend.',
    expected: 'the wasm backend',
    got: tf.getBackend(),
  });
}

/**
 * Calls a kernel.
 *
 * @param tensors - outputs included; undefined gives a null pointer
 * @param numbers - sizes and constants that follow, and pointers from {@link wasmScratch}
 */
export function callWasm(
  kernel: WasmKernel,
  tensors: readonly (tf.Tensor | undefined)[],
  numbers: readonly number[],
): number {
  const backend = tf.backend() as BackendWasm;
  const { exports } = instanceOf(backend);
  calls += 1;
  return exports[kernel](...tensors.map((tensor) => pointerOf(backend, tensor)), ...numbers);
}

function pointerOf(backend: BackendWasm, tensor: tf.Tensor | undefined): number {
  if (tensor === undefined) return 0;
  const pointer = backend.getMemoryOffset(tensor.dataId);
  if (pointer === 0 && tensor.size > 0) throw outOfMemory(FLOAT_BYTES * tensor.size);
  return pointer;
}

const FLOAT_BYTES = 4;

/** A pointer to memory for some floats, for one call of a kernel. */
export function wasmScratch(floats: number): number {
  const bytes = FLOAT_BYTES * floats;
  const backend = tf.backend() as BackendWasm;
  const instance = instanceOf(backend);
  if (bytes <= instance.scratchBytes) return instance.scratch;
  const { _malloc: allocateBytes, _free: free } = backend.wasm as unknown as Emscripten;
  free(instance.scratch);
  instance.scratch = allocateBytes(bytes) >>> 0; // a pointer above 2 GB comes back as a negative number
  instance.scratchBytes = instance.scratch === 0 ? 0 : bytes;
  if (instance.scratch === 0) throw outOfMemory(bytes);
  return instance.scratch;
}

function outOfMemory(bytes: number): LabError {
  return new LabError('out-of-memory', {
    message: 'WebAssembly has no memory left for a tensor.',
    got: `${bytes.toLocaleString('en')} bytes`,
    fix: 'Use a smaller batch or a smaller model, or close other tabs.',
  });
}

/** A tensor with undefined contents. */
export function allocateOnWasm(shape: readonly number[], dtype: 'float32' | 'int32'): tf.Tensor {
  const info = (tf.backend() as BackendWasm).makeOutput([...shape], dtype);
  return tf.engine().makeTensorFromTensorInfo(info);
}

/** The sum of squares of each tensor, `[count]`, in one call. */
export function squaredNormsOnWasm(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  const backend = tf.backend() as BackendWasm;
  const sums = allocateOnWasm([tensors.length], 'float32') as tf.Tensor1D;
  const parts = pointerTable(tensors.flatMap((tensor) => [pointerOf(backend, tensor), tensor.size]));
  callWasm('squaredNorms', [parts, sums], [tensors.length]);
  parts.dispose();
  return sums;
}

/** Copies between different tensors, in one call. */
export function copyOnWasm(copies: readonly Copy[]): void {
  const backend = tf.backend() as BackendWasm;
  const table = pointerTable(
    copies.flatMap(({ from, fromStart, to, toStart, size }) => [
      pointerOf(backend, from) + FLOAT_BYTES * fromStart,
      pointerOf(backend, to) + FLOAT_BYTES * toStart,
      size,
    ]),
  );
  callWasm('copyParts', [table], [copies.length]);
  table.dispose();
}

/** Pointers and sizes for a kernel; pointers above 2 GB wrap around to negative numbers, which are the same bits. */
function pointerTable(values: readonly number[]): tf.Tensor1D {
  return tf.tensor1d(Int32Array.from(values), 'int32');
}
