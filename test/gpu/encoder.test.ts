/**
 * The sentence encoder on WebGPU. The same checks run without a GPU in `test/unit/encoder`.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DeviceKind, useWebGpu } from '../reference/backends.ts';
import { judgeEncoder, judgeMiniLm, miniLmFolder } from '../reference/judge-encoder.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

const DEVICES: readonly DeviceKind[] = ['full', 'least'];
const miniLm = miniLmFolder();

describeGpu('the sentence encoder on WebGPU', () => {
  describe.each(DEVICES)('on a device of kind "%s"', (kind) => {
    const gpuErrors: string[] = [];
    beforeAll(async () => {
      const device = await useWebGpu(openGpu(), kind);
      device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
    });
    // A pass that WebGPU rejects does not throw.
    afterEach(() => expect(gpuErrors).toEqual([]));

    it.each(['model.safetensors', 'half/model.safetensors'])(
      'gives the vectors of transformers: %s',
      async (weights) => {
        await expect(judgeEncoder(weights)).resolves.toBeUndefined();
      },
    );

    it.skipIf(miniLm === undefined)('gives the vectors of all-MiniLM-L6-v2', async () => {
      await expect(judgeMiniLm(miniLm ?? '')).resolves.toBeUndefined();
    });
  });
});
