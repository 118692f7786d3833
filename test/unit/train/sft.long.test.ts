import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { runSteps } from '../../reference/sft-runs.ts';

describe('SFT', () => {
  beforeAll(() => useBackend('wasm'));

  it('learns a learnable task', async () => {
    const { log } = await runSteps(400, 400, 1);
    // ln 37 = 3.6 nats at the start; the completion follows from the last token of the prompt.
    expect(log[0]?.lossNats).toBeGreaterThan(3);
    expect(log.at(-1)?.lossNats).toBeLessThan(0.5);
    expect(log.every(({ gradNorm }) => (gradNorm ?? 0) > 0)).toBe(true);
  });
});
