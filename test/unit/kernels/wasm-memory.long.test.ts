/** Training steps of many lengths in WebAssembly: neither tensors nor its memory grow with the number of steps. */
import { beforeAll, expect, it } from 'vitest';
import { hasWasmKernels } from '../../../src/gpu/wasm-calls.ts';
import { useBackend } from '../../reference/backends.ts';
import { memoryOverSteps } from '../../reference/mixed-length-steps.ts';

beforeAll(() => useBackend('wasm'));

it('stays flat over 2,000 steps of mixed lengths', async () => {
  expect(hasWasmKernels()).toBe(true);
  const [first, ...later] = await memoryOverSteps();
  expect(later).toHaveLength(19);
  for (const seen of later) expect(seen).toEqual(first);
});
