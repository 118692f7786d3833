/** The committed WebAssembly against its sources. */
import { expect, it } from 'vitest';
import { compileKernels } from '../../../scripts/compile-kernels.ts';
import { KERNELS_BASE64 } from '../../../src/gpu/wasm-binary.ts';

it('is what the sources compile to', async () => {
  expect(await compileKernels()).toContain(`'${KERNELS_BASE64}'`);
});
