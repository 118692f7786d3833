/**
 * The lab's compute passes inside tfjs's WebGPU backend. This is the only file that depends on how that backend stores
 * tensors and records commands.
 *
 * tfjs collects dispatches in one command encoder and submits it every few dispatches. Our passes use the same encoder,
 * so all passes run in call order, and our tensors are ordinary tensors to `tidy` and `dispose`. Unlike tfjs's own way
 * of running programs, this one supports several outputs and in-place changes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { LabError } from '../common/errors.ts';
import { BufferPool } from './buffer-pool.ts';
import { waitForBackend } from './current-backend.ts';
import { choicesKeptFor } from './kept-choices.ts';
import { type KernelTime, KernelTimes } from './kernel-times.ts';
import { VariantChoices } from './variant-choice.ts';
import { allocateOnWasm, type Copy, copyOnWasm, hasWasmKernels } from './wasm-calls.ts';

/** A compute shader. Its bindings are the tensors in order, then one uniform if there are parameters. */
export interface Program {
  /** Unique for its source, because it keys the cache of compiled shaders. */
  readonly key: string;
  /** WGSL with an entry point `main`. Called once per device. */
  readonly source: () => string;
}

/** One dispatch of a program. */
export interface Dispatch {
  readonly program: Program;
  /** In binding order, outputs included. */
  readonly tensors: readonly tf.Tensor[];
  /** Sizes that may change between calls, as the u32 members of the uniform struct. */
  readonly parameters?: readonly number[];
  /** Work items; `workgroupSize` and they determine the grid. */
  readonly size: readonly [x: number, y?: number, z?: number];
  readonly workgroupSize: readonly [x: number, y?: number, z?: number];
}

/** The members of tfjs's backend that are used here, most of them private there. */
interface Recorder {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly tensorMap: { get(dataId: object): { resource?: unknown; values: unknown } };
  readonly pipelineCache: Record<string, GPUComputePipeline>;
  readonly uniformPendingDisposal: GPUBuffer[];
  readonly stagingPendingDisposal: readonly GPUBuffer[];
  readonly bufferManager: { acquireBuffer(size: number, usage: GPUBufferUsageFlags): GPUBuffer };
  commandQueueOwnedIds: WeakSet<object>;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  /** Ours: present while kernels are timed. */
  kernelTimes?: KernelTimes | undefined;
  /** Ours: the fastest kernel variants known. */
  variantChoices?: VariantChoices;
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

const ELEMENT_BYTES = 4;

/** The current backend if it is tfjs's WebGPU backend. */
function webGpuBackend(): WebGPUBackend | undefined {
  const backend = tf.backend();
  return 'submitQueue' in backend ? (backend as WebGPUBackend) : undefined;
}

/** Whether tensors are on a GPU, under the lab's backend or tfjs's own, and not in the memory of this process. */
export function isOnGpu(): boolean {
  return webGpuBackend() !== undefined;
}

/**
 * Whether the lab's kernels compute, in WGSL or in WebAssembly. Elsewhere the composites do, including on tfjs's own
 * backends, which the benchmarks compare with.
 */
export function usesKernels(): boolean {
  return usesGpuKernels() || hasWasmKernels();
}

/** Whether the lab's WebGPU backend computes, identified by its pool. Some kernels exist only there. */
export function usesGpuKernels(): boolean {
  const pool: unknown = webGpuBackend()?.bufferManager;
  return pool instanceof BufferPool;
}

/** The address space of WebAssembly. */
const WASM_BYTES = 2 ** 32;

/** The most bytes of a tensor that can be bound to a kernel. */
export function bindingLimitBytes(): number {
  if (hasWasmKernels()) return WASM_BYTES;
  return recorderOf().device.limits.maxStorageBufferBindingSize;
}

/**
 * The lanes of a subgroup; undefined unless the device has the feature `subgroups` with a single subgroup size.
 */
export function subgroupLanes(): number | undefined {
  const { device } = recorderOf();
  if (!device.features.has('subgroups')) return undefined;
  // Browsers had the feature before they had this property.
  const info = device.adapterInfo as GPUAdapterInfo | undefined;
  return info?.subgroupMinSize === info?.subgroupMaxSize ? info?.subgroupMinSize : undefined;
}

/** The choices between kernel variants on the current device. */
export function variantChoices(): VariantChoices {
  const recorder = recorderOf();
  const { device } = recorder;
  return (recorder.variantChoices ??= new VariantChoices(
    { wait: waitForBackend, guard: (work) => guarded(device, work), now: () => performance.now() },
    choicesKeptFor(device),
  ));
}

/**
 * Times the variants of kernels that ran first since the last call, so that the fastest are used from now on; results
 * do not change. Call it where work can wait. Does nothing without kernels.
 *
 * @param signal - on abort, the rest is left for the next call
 */
export async function measureVariants(signal?: AbortSignal): Promise<void> {
  if (usesGpuKernels()) await variantChoices().measure(signal);
}

const ERROR_FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/** Runs some work and throws the device's errors, which are not reported elsewhere. */
async function guarded<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  for (const filter of ERROR_FILTERS) device.pushErrorScope(filter);
  const [outcome] = await Promise.allSettled([work()]);
  const errors = await Promise.all(ERROR_FILTERS.map(() => device.popErrorScope()));
  const error = errors.find((each) => each !== null);
  if (error !== undefined && error !== null) {
    throw new LabError('internal', { message: `The GPU rejects a kernel: ${error.message}` });
  }
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** A tensor on the backend of the kernels with undefined contents, for a pass that writes all of it. */
export function allocate<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  dtype: 'float32' | 'int32' = 'float32',
): tf.Tensor<R> {
  if (hasWasmKernels()) return allocateOnWasm(shape, dtype) as tf.Tensor<R>;
  const recorder = recorderOf();
  const info = (recorder as unknown as WebGPUBackend).makeTensorInfo([...shape], dtype);
  recorder.uploadToGPU(info.dataId);
  return tf.engine().makeTensorFromTensorInfo(info) as tf.Tensor<R>;
}

/** Records a dispatch. */
export function dispatch({ program, tensors, parameters, size, workgroupSize }: Dispatch): void {
  const recorder = recorderOf();
  const pipeline = pipelineOf(recorder, program);
  const resources = tensors.map((tensor) => ({ buffer: bufferOf(recorder, tensor) }));
  if (parameters !== undefined) resources.push({ buffer: uniform(recorder, parameters) });
  const bindings = recorder.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  const [x, y, z] = gridOf(recorder, size, workgroupSize);
  recorder.ensureCommandEncoderReady();
  const { kernelTimes } = recorder;
  if (kernelTimes !== undefined) {
    recorder.endComputePassEncoder();
    recorder.computePassEncoder = encoderOf(recorder).beginComputePass(kernelTimes.passFor(program.key));
  }
  recorder.computePassEncoder ??= encoderOf(recorder).beginComputePass();
  recorder.computePassEncoder.setPipeline(pipeline);
  recorder.computePassEncoder.setBindGroup(0, bindings);
  recorder.computePassEncoder.dispatchWorkgroups(x, y, z);
  if (kernelTimes !== undefined) recorder.endComputePassEncoder();
  recorder.dispatchCountInPass += 1;
  if (recorder.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    recorder.endComputePassEncoder();
    recorder.submitQueue();
  }
}

/**
 * Measures the GPU time of each of the lab's kernels during some work; tfjs's own ops are not included.
 *
 * @returns undefined if the device has no timestamps
 */
export async function profileKernels(work: () => Promise<void>): Promise<readonly KernelTime[] | undefined> {
  const recorder = recorderOf();
  if (!recorder.device.features.has('timestamp-query')) return undefined;
  const times = new KernelTimes(recorder.device);
  recorder.kernelTimes = times;
  try {
    await work();
    // After a read-back nothing is recorded, and tfjs cannot submit an empty queue.
    recorder.ensureCommandEncoderReady();
    recorder.endComputePassEncoder();
    recorder.submitQueue();
    return await times.read();
  } finally {
    recorder.kernelTimes = undefined;
    times.dispose();
  }
}

/**
 * Copies the values of new tensors to the GPU now instead of at their first use, so that JavaScript need not hold them
 * until then. Elsewhere they are at their place already.
 */
export function uploadNow(tensors: readonly tf.Tensor[]): void {
  if (webGpuBackend() === undefined) return;
  const recorder = recorderOf();
  for (const { dataId } of tensors) recorder.uploadToGPU(dataId);
  if (recorder.stagingPendingDisposal.length === 0) return;
  recorder.ensureCommandEncoderReady();
  recorder.endComputePassEncoder();
  recorder.submitQueue(); // frees the copies in between
}

/** Records copies between different tensors; on wasm they are made at once. */
export function copyParts(copies: readonly Copy[]): void {
  if (hasWasmKernels()) {
    copyOnWasm(copies);
    return;
  }
  const recorder = recorderOf();
  const buffers = copies.map(({ from, to }) => [bufferOf(recorder, from), bufferOf(recorder, to)] as const);
  recorder.ensureCommandEncoderReady();
  recorder.endComputePassEncoder();
  const encoder = encoderOf(recorder);
  for (const [i, { fromStart, toStart, size }] of copies.entries()) {
    const [from, to] = buffers[i] ?? [];
    if (from === undefined || to === undefined) continue;
    encoder.copyBufferToBuffer(from, ELEMENT_BYTES * fromStart, to, ELEMENT_BYTES * toStart, ELEMENT_BYTES * size);
  }
}

/**
 * WGSL that defines `i`, the index of an invocation in a one-dimensional grid, and returns from `main` beyond the last
 * item.
 *
 * @param count - a WGSL expression of the number of items
 */
export function flatIndex(count: string): string {
  return `let i = id.x + id.y * ${FLAT_WORKGROUP}u * groups.x;
  if (i >= ${count}) { return; }`;
}

/** Invocations in a workgroup of a one-dimensional grid. */
export const FLAT_WORKGROUP = 64;

/** The signature of a one-dimensional entry point, to be followed by {@link flatIndex}. */
export const FLAT_MAIN = `@compute @workgroup_size(${FLAT_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u)`;

type Grid = readonly [x: number, y: number, z: number];

/** Workgroups along each axis. A single axis that is too long for the device is folded into the second. */
function gridOf({ device }: Recorder, size: Dispatch['size'], workgroupSize: Dispatch['workgroupSize']): Grid {
  const [x, y, z] = [0, 1, 2].map((axis) => Math.ceil((size[axis] ?? 1) / (workgroupSize[axis] ?? 1)));
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  const folds = Math.ceil((x ?? 1) / most);
  return folds > 1 && size.length === 1 ? [most, folds, 1] : [x ?? 1, y ?? 1, z ?? 1];
}

function recorderOf(): Recorder {
  const backend = webGpuBackend();
  if (backend === undefined) {
    throw new LabError('internal', {
      message: 'A GPU kernel was called on another backend.',
      expected: 'the WebGPU backend',
      got: tf.getBackend(),
    });
  }
  return backend as unknown as Recorder;
}

function encoderOf({ commandEncoder }: Recorder): GPUCommandEncoder {
  if (commandEncoder === null) throw new LabError('internal', { message: 'tfjs has no command encoder.' });
  return commandEncoder;
}

function pipelineOf(recorder: Recorder, { key, source }: Program): GPUComputePipeline {
  // tfjs's own cache has the lifetime of its device.
  return (recorder.pipelineCache[`lab ${key}`] ??= recorder.device.createComputePipeline({
    label: key,
    layout: 'auto',
    compute: { module: recorder.device.createShaderModule({ label: key, code: source() }), entryPoint: 'main' },
  }));
}

/** The buffer of a tensor, which must not be reused before the recorded passes have run. */
function bufferOf(recorder: Recorder, { dataId, shape }: tf.Tensor): GPUBuffer {
  recorder.uploadToGPU(dataId);
  recorder.commandQueueOwnedIds.add(dataId);
  const { resource } = recorder.tensorMap.get(dataId);
  if (!(resource instanceof GPUBuffer)) {
    throw new LabError('internal', { message: `A tensor of shape [${shape.join(', ')}] has no GPU buffer.` });
  }
  return resource;
}

/** Invalidates the cached values of a tensor that a pass is about to change. */
export function forgetRead(tensor: tf.Tensor): void {
  const recorder = recorderOf();
  recorder.uploadToGPU(tensor.dataId);
  recorder.tensorMap.get(tensor.dataId).values = null;
}

/** Uniform buffers are padded to this many bytes, the alignment of a struct in uniform memory. */
const UNIFORM_ALIGNMENT = 16;

function uniform(recorder: Recorder, parameters: readonly number[]): GPUBuffer {
  const sizeBytes = UNIFORM_ALIGNMENT * Math.ceil((ELEMENT_BYTES * parameters.length) / UNIFORM_ALIGNMENT);
  const data = new Uint32Array(sizeBytes / ELEMENT_BYTES);
  data.set(parameters);
  const buffer = recorder.bufferManager.acquireBuffer(sizeBytes, GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM);
  recorder.queue.writeBuffer(buffer, 0, data);
  recorder.uniformPendingDisposal.push(buffer); // released after submission
  return buffer;
}
