/**
 * Attention over a cache on the backends that need no GPU. The same cases run on WebGPU in `test/gpu`.
 */
import { beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { CACHED_ATTENTION_CASES, judgeCachedAttention, titleOf } from '../../reference/judge-cached-attention.ts';

describe.each(['cpu', 'wasm'] as const)('attention over a cache on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(CACHED_ATTENTION_CASES.map((sizes) => ({ title: titleOf(sizes), sizes })))('$title', ({ sizes }) =>
    judgeCachedAttention(sizes),
  );
});
