/** Linear maps in mixed precision where there are no kernels (on WebGPU: `test/gpu`). */
import { beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { judgeMixedLinear, judgeMixedOverflow, judgeMixedSlopes, MIXED_SHAPES } from '../../reference/judge-mixed.ts';

describe.each(['cpu', 'wasm'] as const)('linear maps in mixed precision on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(MIXED_SHAPES)('are those of rounded numbers: %i, %i, %i', (...shape) => judgeMixedLinear(shape));

  it('have the slopes of finite differences', judgeMixedSlopes);

  it('give no finite gradient where halves overflow', judgeMixedOverflow);
});
