import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blobSource, planChunks } from '../../../src/checkpoint/byte-source.ts';
import { checkpointFileName, readCheckpointFile, writeFileHead } from '../../../src/checkpoint/checkpoint-file.ts';
import { CHUNK_BYTES } from '../../../src/checkpoint/manifest.ts';
import { LabError } from '../../../src/common/errors.ts';
import { someManifest } from './some-manifest.ts';

const fixture = Uint8Array.from(readFileSync(new URL('../../fixtures/store/file-v1.afrl-checkpoint', import.meta.url)));
const PREFIX_BYTES = 80;
const headerBytes = new DataView(fixture.buffer).getUint32(12, true);

describe('a checkpoint file', () => {
  it('round-trips', async () => {
    const manifest = someManifest({ name: 'größer "1/2"', note: 'line\nline \ud800' });
    const payload = new Uint8Array(8);
    const file = await readCheckpointFile(new Blob([await writeFileHead(manifest), payload]));
    expect(file.manifest).toEqual(manifest);
    expect(file.payload.sizeBytes).toBe(8);
    expect(await file.payload.read(2, 5)).toEqual(new Uint8Array(3));
  });

  it('of version 1 can be read', async () => {
    const { manifest, payload } = await readCheckpointFile(new Blob([fixture]));
    expect(manifest).toMatchObject({ name: 'the good one (größer)', step: 250, kind: 'sft', sizeBytes: 200 });
    const bytes = await payload.read(0, 200);
    expect([...bytes]).toEqual(Array.from({ length: 200 }, (_, i) => (i * 7) % 251));
    expect(manifest.chunks).toEqual([{ sizeBytes: 200, sha256: createHash('sha256').update(bytes).digest('hex') }]);
  });

  it('of version 1 has the bytes of the format', async () => {
    const { manifest } = await readCheckpointFile(new Blob([fixture]));
    expect(await writeFileHead(manifest)).toEqual(fixture.slice(0, -200));
    expect(new TextDecoder().decode(fixture.subarray(0, 8))).toBe('AFRLCKPT');
    const header = fixture.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
    expect(JSON.parse(new TextDecoder().decode(header))).toEqual(manifest);
    expect(new TextDecoder().decode(fixture.subarray(16, PREFIX_BYTES))).toBe(
      createHash('sha256').update(header).digest('hex'),
    );
  });

  it('is rejected at any truncation, and with trailing bytes', async () => {
    for (let length = 0; length < fixture.length; length++) await expectBadFile(fixture.slice(0, length));
    await expectBadFile(Uint8Array.from([...fixture, 0]));
  });

  it('is rejected if any bit before the payload has changed', async () => {
    const bits = fc.record({ at: fc.nat(PREFIX_BYTES + headerBytes - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(bits, async ({ at, bit }) => {
        await expectBadFile(fixture.with(at, (fixture[at] ?? 0) ^ (1 << bit)));
      }),
      { numRuns: 500 },
    );
  });

  it('of a later version is rejected with the advice to update the lab', async () => {
    await expect(readCheckpointFile(new Blob([fixture.with(8, 2)]))).rejects.toThrow(
      /another version of the format\. Expected version 1\. Got 2\. Reload/u,
    );
  });

  it('cannot cause an allocation larger than the file', async () => {
    const claims = fixture.slice();
    new DataView(claims.buffer).setUint32(12, 0xffff_ffff, true);
    await expect(readCheckpointFile(new Blob([claims]))).rejects.toThrow(
      /header is too long\. Expected at most \d+ bytes/u,
    );
    const manifest = someManifest({ sizeBytes: 2 ** 31, chunks: Array.from({ length: 256 }, () => fullChunk) });
    await expect(readCheckpointFile(new Blob([await writeFileHead(manifest)]))).rejects.toThrow(
      /length is wrong\. Expected 2147483648 bytes of payload\. Got 0/u,
    );
  });

  it('is rejected if its header is not a manifest, even if its hash is right', async () => {
    const head = await writeFileHead({ ...someManifest(), step: -1 });
    await expect(readCheckpointFile(new Blob([head, new Uint8Array(8)]))).rejects.toThrow(
      /not a manifest.*Got step: /u,
    );
  });
});

describe('checkpointFileName', () => {
  it.each([
    ['nano step 250', 'nano-step-250.afrl-checkpoint'],
    ['größte: 1/2', 'größte-1-2.afrl-checkpoint'],
    ['../../etc', 'etc.afrl-checkpoint'],
    ['???', 'step-250.afrl-checkpoint'],
  ])('of "%s" is %s', (name, expected) => {
    expect(checkpointFileName(someManifest({ name }))).toBe(expected);
  });
});

describe('planChunks', () => {
  it('gives full chunks and a remainder that add up', () => {
    const sizesOf = (totalBytes: number): number[] => planChunks(totalBytes).map(({ sizeBytes }) => sizeBytes);
    expect(sizesOf(1)).toEqual([1]);
    expect(sizesOf(CHUNK_BYTES)).toEqual([CHUNK_BYTES]);
    expect(sizesOf(2 * CHUNK_BYTES + 3)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 3]);
  });
});

describe('blobSource', () => {
  it('reads from its offset on', async () => {
    const source = blobSource(new Blob([Uint8Array.of(9, 9, 1, 2, 3)]), 2);
    expect(source.sizeBytes).toBe(3);
    expect(await source.read(1, 3)).toEqual(Uint8Array.of(2, 3));
  });

  it('gives a fix for a file that is no longer readable', async () => {
    const gone = new Blob([Uint8Array.of(1)]);
    gone.slice = () => {
      throw new DOMException('The file was removed', 'NotReadableError');
    };
    await expect(blobSource(gone).read(0, 1)).rejects.toThrow(
      /could not be read: The file was removed.*Choose the file/u,
    );
  });
});

const fullChunk = { sizeBytes: CHUNK_BYTES, sha256: '0'.repeat(64) };

async function expectBadFile(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await readCheckpointFile(new Blob([bytes]));
  } catch (error) {
    expect(error).toBeInstanceOf(LabError);
    expect((error as LabError).code).toBe('bad-file');
    return;
  }
  expect.fail('the file was accepted');
}
