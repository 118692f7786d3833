import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256Hex, sha256Portable } from '../../../src/checkpoint/sha256.ts';

const reference = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const counting = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, i) => i * 31);

describe('sha256Portable', () => {
  it('equals the example of FIPS 180-4', () => {
    expect(sha256Portable(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('agrees with Node at every length around the padding of a block', () => {
    for (let length = 0; length <= 200; length++) {
      expect(sha256Portable(counting(length))).toBe(reference(counting(length)));
    }
  });

  it('agrees with Node on any bytes, including a part of an array', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(100), (bytes, start) => {
        const part = bytes.subarray(Math.min(start, bytes.length));
        expect(sha256Portable(part)).toBe(reference(part));
      }),
    );
  });
});

describe('sha256Hex', () => {
  it('equals sha256Portable', async () => {
    expect(await sha256Hex(counting(1000))).toBe(sha256Portable(counting(1000)));
  });
});
