/** A model folder as one checkpoint file: unpacking returns the same files, and damage is reported. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packCheckpoint, readCheckpointFile, readPayload } from '../../../../src/checkpoint/checkpoint-file.ts';
import { packFiles, unpackFiles } from '../../../../src/checkpoint/packed-files.ts';
import { packModel } from '../../../../src/runs/models/model-checkpoint.ts';
import { modelInCheckpoint } from '../../../../src/sessions/model-in-checkpoint.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';

const files = smallModelFiles();
const card = { name: 'random', data: { name: 'none', hash: 'h', trainPairs: 0 }, training: { command: '', seed: 1, steps: 7, tokens: 0, device: '', date: '' } }; // prettier-ignore

const fileOfModel = async (): Promise<Uint8Array<ArrayBuffer>> => {
  const { info, payload } = packModel(files, card);
  return new Uint8Array(await new Blob([...(await packCheckpoint(info, payload, 1_000))]).arrayBuffer());
};

describe('a model as a checkpoint file', () => {
  it("returns the same files, by the page's reader", async () => {
    const file = await readCheckpointFile(new Blob([await fileOfModel()]));
    expect(file.manifest).toMatchObject({ kind: 'model', name: 'random', step: 7, worldHash: 'h', createdAt: 1_000 });
    const read = await modelInCheckpoint(file.manifest, await readPayload(file));
    expect(new Map(Object.entries(read))).toEqual(new Map([...files].map(([name, bytes]) => [name, bytes])));
  });

  it('is rejected whichever bit of it is changed', async () => {
    const bytes = await fileOfModel();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ change : byte));
        await expect(readCheckpointFile(new Blob([changed])).then(readPayload)).rejects.toThrow(/checkpoint file/u);
      }),
      { numRuns: 30 },
    );
  });

  it('has the same bytes for the same files', () => {
    expect(packModel(files, card).payload).toEqual(packModel(files, card).payload);
  });
});

describe('packed files', () => {
  it('are returned unchanged, those that are requested', () => {
    const names = ['a.json', 'b.bin', 'c'] as const;
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 3, maxLength: 3 }), (contents) => {
        const given = Object.fromEntries(names.map((name, i) => [name, contents[i] ?? new Uint8Array()]));
        expect(unpackFiles(packFiles({ ...given, other: Uint8Array.of(1) }), names)).toEqual(given);
      }),
    );
  });

  it('are rejected by name if one is missing, or if there is no archive', () => {
    const packed = packFiles({ a: Uint8Array.of(1) });
    expect(() => unpackFiles(packed, ['a', 'b'])).toThrow(/has no b/u);
    expect(() => unpackFiles(Uint8Array.of(1, 2, 3), ['a'])).toThrow(/cannot be read/u);
  });
});
