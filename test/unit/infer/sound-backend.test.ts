import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import type { BackendFault } from '../../../src/gpu/current-backend.ts';
import { onSoundBackend } from '../../../src/infer/sound-backend.ts';

const LOST: BackendFault = { kind: 'lost', message: 'unplugged.' };

describe('onSoundBackend', () => {
  it('gives what the work gives, and throws what it throws', async () => {
    expect(await onSoundBackend({ fault: undefined }, () => Promise.resolve(7))).toBe(7);
    const own = new LabError('bad-config', { message: 'Not so.' });
    await expect(onSoundBackend({ fault: LOST }, () => Promise.reject(own))).rejects.toBe(own);
    const stopped = new LabError('aborted', { message: 'Stopped on request.' });
    await expect(onSoundBackend({ fault: LOST }, () => Promise.reject(stopped))).rejects.toBe(stopped);
  });

  it('throws away what was computed on a backend that broke meanwhile', async () => {
    const health: { fault: BackendFault | undefined } = { fault: undefined };
    const work = (): Promise<number> => {
      health.fault = LOST;
      return Promise.resolve(0);
    };
    await expect(onSoundBackend(health, work)).rejects.toMatchObject({
      code: 'backend-lost',
      message: 'The GPU was lost: unplugged.',
    });
  });
});
