/**
 * Compute passes of our own inside tfjs's WebGPU backend; the only file that knows how that backend keeps tensors and
 * records commands.
 *
 * tfjs collects dispatches in one command encoder and submits it every few of them. Our passes go into the same encoder,
 * so they run in the order of the calls whoever made them, and their tensors are ordinary tensors that `tidy` and
 * `dispose` know. What tfjs's own way of running a program cannot do is done here: several outputs, and tensors changed
 * in place.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { LabError } from '../common/errors.ts';
import { BufferPool } from './buffer-pool.ts';
import { waitForBackend } from './current-backend.ts';
import { type KernelTime, KernelTimes } from './kernel-times.ts';
import { VariantChoices } from './variant-choice.ts';

/** A compute shader. Its bindings are the tensors in order, then, if there are parameters, one uniform. */
export interface Program {
  /** Unique for its text: compiled shaders are found by it. */
  readonly key: string;
  /** WGSL with an entry point `main`. Asked for once per device. */
  readonly source: () => string;
}

/** One dispatch of a program. */
export interface Dispatch {
  readonly program: Program;
  /** In the order of the bindings, outputs included. */
  readonly tensors: readonly tf.Tensor[];
  /** Sizes that may change from call to call, as the u32 members of the uniform struct. */
  readonly parameters?: readonly number[];
  /** Work items; with `workgroupSize` they give the grid. */
  readonly size: readonly [x: number, y?: number, z?: number];
  readonly workgroupSize: readonly [x: number, y?: number, z?: number];
}

/** A stretch of a tensor to be copied into another. Sizes and places count elements. */
export interface Copy {
  readonly from: tf.Tensor;
  readonly fromStart: number;
  readonly to: tf.Tensor;
  readonly toStart: number;
  readonly size: number;
}

/** What is used of tfjs's backend, most of it private there. */
interface Recorder {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly tensorMap: { get(dataId: object): { resource?: unknown; values: unknown } };
  readonly pipelineCache: Record<string, GPUComputePipeline>;
  readonly uniformPendingDisposal: GPUBuffer[];
  readonly bufferManager: { acquireBuffer(size: number, usage: GPUBufferUsageFlags): GPUBuffer };
  commandQueueOwnedIds: WeakSet<object>;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  /** Ours: there while kernels are timed. */
  kernelTimes?: KernelTimes | undefined;
  /** Ours: the fastest kernels known. */
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

/** Whether tensors lie on a GPU, by the lab's backend or by tfjs's own, and not in this process's memory. */
export function isOnGpu(): boolean {
  return webGpuBackend() !== undefined;
}

/**
 * Whether fused kernels compute: they do on the lab's WebGPU backend, known by its pool. Elsewhere the composites do, on
 * tfjs's own WebGPU backend too, with which the benchmarks compare.
 */
export function usesKernels(): boolean {
  const pool: unknown = webGpuBackend()?.bufferManager;
  return pool instanceof BufferPool;
}

/** The most bytes of a tensor that a kernel can be given. */
export function bindingLimitBytes(): number {
  return recorderOf().device.limits.maxStorageBufferBindingSize;
}

/**
 * The lanes of a subgroup, where the device has the feature `subgroups` and subgroups of one size only.
 *
 * @returns undefined elsewhere
 */
export function subgroupLanes(): number | undefined {
  const { device } = recorderOf();
  if (!device.features.has('subgroups')) return undefined;
  // Browsers have had the feature longer than this.
  const info = device.adapterInfo as GPUAdapterInfo | undefined;
  return info?.subgroupMinSize === info?.subgroupMaxSize ? info?.subgroupMinSize : undefined;
}

/** The choices between variants of kernels on the current device. */
export function variantChoices(): VariantChoices {
  const recorder = recorderOf();
  return (recorder.variantChoices ??= new VariantChoices({
    wait: waitForBackend,
    guard: (work) => guarded(recorder.device, work),
    now: () => performance.now(),
  }));
}

/**
 * Tries out the variants of kernels that ran for the first time since the last call, so that the fastest are taken from now
 * on; results do not change. For places where work can wait. Does nothing without kernels.
 *
 * @param signal - when it fires, the rest is left for the next call
 */
export async function measureVariants(signal?: AbortSignal): Promise<void> {
  if (usesKernels()) await variantChoices().measure(signal);
}

const ERROR_FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/** Does some work, and throws what the device has against it, which nobody else is told then. */
async function guarded<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  for (const filter of ERROR_FILTERS) device.pushErrorScope(filter);
  const [outcome] = await Promise.allSettled([work()]);
  const errors = await Promise.all(ERROR_FILTERS.map(() => device.popErrorScope()));
  const error = errors.find((each) => each !== null);
  if (error !== undefined && error !== null) {
    throw new LabError('internal', { message: `The GPU refuses a kernel: ${error.message}` });
  }
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** A tensor on the GPU whose content is whatever was there: for a pass that writes all of it. */
export function allocate<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  dtype: 'float32' | 'int32' = 'float32',
): tf.Tensor<R> {
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
 * Does some work and says how long each of its kernels ran on the GPU; tfjs's own ops are not among them.
 *
 * @returns undefined where the device keeps no time
 */
export async function profileKernels(work: () => Promise<void>): Promise<readonly KernelTime[] | undefined> {
  const recorder = recorderOf();
  if (!recorder.device.features.has('timestamp-query')) return undefined;
  const times = new KernelTimes(recorder.device);
  recorder.kernelTimes = times;
  try {
    await work();
    // Nothing is recorded after a read-back, and tfjs cannot submit nothing.
    recorder.ensureCommandEncoderReady();
    recorder.endComputePassEncoder();
    recorder.submitQueue();
    return await times.read();
  } finally {
    recorder.kernelTimes = undefined;
    times.dispose();
  }
}

/** Records copies between tensors, which must be different ones. */
export function copyParts(copies: readonly Copy[]): void {
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
 * WGSL that gives `i`, the number of an invocation in a one-dimensional grid; leaves `main` where there is no work item.
 *
 * @param count - a WGSL expression of how many there are
 */
export function flatIndex(count: string): string {
  return `let i = id.x + id.y * ${FLAT_WORKGROUP}u * groups.x;
  if (i >= ${count}) { return; }`;
}

/** Invocations in a workgroup of a one-dimensional grid. */
export const FLAT_WORKGROUP = 64;

/** The head of the entry point of a one-dimensional grid, to be followed by {@link flatIndex}. */
export const FLAT_MAIN = `@compute @workgroup_size(${FLAT_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u)`;

type Grid = readonly [x: number, y: number, z: number];

/** Workgroups along each axis. A single axis that is too long for the device goes on along the second. */
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
  // In tfjs's own cache, which lives as long as its device.
  return (recorder.pipelineCache[`lab ${key}`] ??= recorder.device.createComputePipeline({
    label: key,
    layout: 'auto',
    compute: { module: recorder.device.createShaderModule({ label: key, code: source() }), entryPoint: 'main' },
  }));
}

/** The buffer of a tensor, which from now on must not be used for another before the passes recorded have run. */
function bufferOf(recorder: Recorder, { dataId, shape }: tf.Tensor): GPUBuffer {
  recorder.uploadToGPU(dataId);
  recorder.commandQueueOwnedIds.add(dataId);
  const { resource } = recorder.tensorMap.get(dataId);
  if (!(resource instanceof GPUBuffer)) {
    throw new LabError('internal', { message: `A tensor of shape [${shape.join(', ')}] has no GPU buffer.` });
  }
  return resource;
}

/** Forgets what was read back of a tensor: a pass is about to change it. */
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
  recorder.uniformPendingDisposal.push(buffer); // given back once submitted
  return buffer;
}
