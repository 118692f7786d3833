/** The choice of a backend, and the handling of one that computes wrong results. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs'; // the gradients of tfjs's own ops
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MODEL_PRESETS } from '../../../src/config/presets.ts';
import { DECODER_CHECK } from '../../../src/runs/decoder-check.ts';
import { type BackendRequest, openBackend } from '../../../src/gpu/device.ts';
import { findDisagreement, type KnownCase } from '../../../src/gpu/self-check.ts';
import { type ComputedBy, countStep } from '../../../src/gpu/step-cost.ts';
import type { StepCost } from '../../../src/gpu/step-work.ts';
import { TIMED_OPS } from '../../../src/ops/timed-ops.ts';

const wasmFile = createRequire(import.meta.url).resolve(
  '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
);
const REQUEST: BackendRequest = { wasmPaths: `${dirname(wasmFile)}/` };
const CHECKED: BackendRequest = { ...REQUEST, findFault: () => findDisagreement(DECODER_CHECK) };

let restoreKernel: () => void = () => undefined;
afterEach(() => {
  restoreKernel();
  restoreKernel = () => undefined;
  vi.unstubAllGlobals();
});

/** Replaces a kernel of a backend until the test ends. */
function plant(name: string, backendName: string, wrap: (kernel: tf.KernelFunc) => tf.KernelFunc): void {
  const config = tf.getKernel(name, backendName);
  const put = (kernelFunc: tf.KernelFunc): void => {
    tf.unregisterKernel(name, backendName);
    tf.registerKernel({ ...config, kernelFunc });
  };
  put(wrap(config.kernelFunc));
  restoreKernel = () => put(config.kernelFunc);
}

describe('without a GPU', () => {
  it('uses WebAssembly and gives the reason', async () => {
    expect(await openBackend(REQUEST)).toMatchObject({
      backend: 'wasm',
      reason: 'this browser has no WebGPU',
      problems: [],
      rates: undefined,
    });
  });

  it('ignores a GPU emulated in software', async () => {
    const info = {
      vendor: 'google',
      architecture: 'swiftshader',
      device: '',
      description: '',
      isFallbackAdapter: false,
    };
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve({ info }) } });
    expect(await openBackend(REQUEST)).toMatchObject({
      backend: 'wasm',
      reason: 'the GPU is emulated in software, which is slower',
    });
  });

  it('times the backend for a workload', async () => {
    const shape = { B: 1, T: 16, scoredRows: 8, microBatches: 1 };
    const cost = (by: ComputedBy): StepCost => countStep(MODEL_PRESETS['lab-nano'], shape, by);
    const { backend, rates } = await openBackend({ ...CHECKED, workload: { cost, ops: TIMED_OPS } });
    expect(rates?.by).toBe('wasm-kernels');
    expect(backend).toBe('wasm');
    expect(rates?.flopsPerSec).toBeGreaterThan(0);
  });

  it('names a requested backend that does not start', async () => {
    await expect(openBackend({ ...REQUEST, backend: 'webgpu' })).rejects.toMatchObject({
      code: 'no-backend',
      message: expect.stringContaining('webgpu') as string,
    });
  });
});

describe('the self-check', () => {
  it.each(['cpu', 'wasm'] as const)('agrees with %s', async (backend) => {
    expect(await openBackend({ ...CHECKED, backend })).toMatchObject({ backend, problems: [] });
  });

  it('leaks no tensor', async () => {
    await openBackend({ ...REQUEST, backend: 'wasm' });
    const before = tf.memory().numTensors;
    await findDisagreement(DECODER_CHECK);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('falls back to the next backend for a wrong kernel, and reports it', async () => {
    await openBackend({ ...REQUEST, backend: 'wasm' });
    plant('GatherV2', 'wasm', (kernel) => (params) => {
      const output = kernel(params) as tf.TensorInfo;
      const backend = params.backend as { typedArrayFromHeap(info: tf.TensorInfo): Float32Array };
      const values = backend.typedArrayFromHeap(output);
      values.forEach((value, i) => (values[i] = 1.02 * value)); // 2 % off, in one op of many
      return output;
    });
    const opened = await openBackend(CHECKED);
    expect(opened.backend).toBe('cpu');
    expect(tf.getBackend()).toBe('cpu');
    expect(opened.problems).toEqual([
      expect.stringMatching(/wasm backend is not used: it computes a known case wrong/),
    ]);
    expect(opened.reason).toContain('computes a known case wrong');
    await expect(openBackend({ ...CHECKED, backend: 'wasm' })).rejects.toMatchObject({ code: 'no-backend' });
  });

  it('detects a one-hot with the bits of integers, as tfjs-wasm writes it', async () => {
    await openBackend({ ...REQUEST, backend: 'cpu' });
    plant('OneHot', 'cpu', (kernel) => (params) => {
      const output = kernel(params) as tf.TensorInfo;
      const backend = params.backend as { data: { get(id: object): { values: Float32Array } } };
      const stored = backend.data.get(output.dataId);
      stored.values = new Float32Array(Int32Array.from(stored.values).buffer);
      return output;
    });
    await expect(openBackend({ ...CHECKED, backend: 'cpu' })).rejects.toThrow(/known case wrong/);
  });

  it('treats a kernel that throws as a fault', async () => {
    await openBackend({ ...REQUEST, backend: 'wasm' });
    plant('GatherV2', 'wasm', () => () => {
      throw new Error('not today');
    });
    const opened = await openBackend(CHECKED);
    expect(opened.backend).toBe('cpu');
    expect(opened.reason).toContain('it fails in a known case: not today');
  });
});

describe('a disagreement', () => {
  const known = (got: Record<string, number>): KnownCase => ({
    expected: { large: 5, small: 0.02 },
    compute: () => Promise.resolve(got),
  });

  it.each([
    ['float32 noise', { large: 5.000_01, small: 0.020_001 }, undefined],
    ['a wrong number', { large: 5, small: 0.021 }, /small should be 0.020000 and is 0.021000/],
    ['NaN', { large: NaN, small: 0.02 }, /large should be 5.0000 and is NaN/],
    ['infinity', { large: Infinity, small: 0.02 }, /Infinity/],
    ['a missing number', { large: 5 }, /small/],
  ])('%s', async (_, got, expected) => {
    const found = await findDisagreement(known(got));
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(expected);
  });
});
