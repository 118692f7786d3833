/**
 * Decoding on WebGPU: attention over a cache that is written in place.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DeviceKind, useWebGpu } from '../reference/backends.ts';
import {
  CACHED_ATTENTION_CASES,
  judgeCachedAttention,
  SLOT_CASES,
  titleOf,
} from '../reference/judge-cached-attention.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

const DEVICES: readonly DeviceKind[] = ['full', 'least'];

describeGpu.each(DEVICES)('decoding on a WebGPU device of kind "%s"', (kind) => {
  const complaints: string[] = [];
  beforeAll(async () => {
    const device = await useWebGpu(openGpu(), kind);
    device.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message));
  });
  // A pass that WebGPU refuses does not throw: it leaves the old content of a buffer, which may even be right.
  afterEach(() => expect(complaints).toEqual([]));

  describe('attention over a cache', () => {
    const cases = [...CACHED_ATTENTION_CASES, ...SLOT_CASES];
    it.each(cases.map((sizes) => ({ title: titleOf(sizes), sizes })))('$title', ({ sizes }) =>
      judgeCachedAttention(sizes),
    );
  });
});
