/** Mixed precision where there are no kernels (on WebGPU: `test/gpu`). */
import { beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import {
  judgeMixedGate,
  judgeMixedLinear,
  judgeMixedOverflow,
  judgeMixedSlopes,
  MIXED_GATES,
  MIXED_SHAPES,
} from '../../reference/judge-mixed.ts';

describe.each(['cpu', 'wasm'] as const)('mixed precision on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(MIXED_SHAPES)('multiplies rounded numbers: %i, %i, %i', (...shape) => judgeMixedLinear(shape));

  it.each(MIXED_GATES)('gates like float32, with gradients at rounded numbers: %i, %i', (...shape) =>
    judgeMixedGate(shape),
  );

  it('has gradients equal to finite differences', judgeMixedSlopes);

  it('gives no finite gradient if half precision overflows', judgeMixedOverflow);
});
