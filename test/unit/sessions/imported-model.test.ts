/** Imported models: a complete one is stored unchanged, and problems are reported before anything is stored. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packCheckpoint, readCheckpointFile } from '../../../src/checkpoint/checkpoint-file.ts';
import type { CheckpointInfo } from '../../../src/checkpoint/manifest.ts';
import { packFiles } from '../../../src/checkpoint/packed-files.ts';
import { LabError } from '../../../src/common/errors.ts';
import type { ModelFileName } from '../../../src/infer/lab-model.ts';
import type { ChosenFile } from '../../../src/protocol/checkpoints.ts';
import { unpackModel } from '../../../src/runs/models/model-checkpoint.ts';
import { checkModelFile, readChosenModel } from '../../../src/sessions/imported-model.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

const FILES = smallModelFiles();

function chosen(files: ReadonlyMap<string, Uint8Array>, folder = ''): ChosenFile[] {
  return [...files].map(([name, bytes]) => ({ path: folder + name, blob: new Blob([Uint8Array.from(bytes)]) }));
}

/** The files of the model with changed JSON in one of them. */
function changed(
  name: ModelFileName,
  change: (json: Record<string, unknown>) => unknown,
): Map<ModelFileName, Uint8Array> {
  const json = JSON.parse(new TextDecoder().decode(FILES.get(name))) as Record<string, unknown>;
  return new Map(FILES).set(name, new TextEncoder().encode(JSON.stringify(change(json))));
}

describe('a model folder', () => {
  it('is found among other files, in folders or without, and stored unchanged', async () => {
    const beside = { path: 'run/log.jsonl', blob: new Blob(['{}']) };
    for (const files of [chosen(FILES), [beside, ...chosen(FILES, 'run/model/')]]) {
      const { info, payload } = await readChosenModel(files);
      expect(info).toMatchObject({ kind: 'model', name: 'random', isAutomatic: false });
      expect(new Map(Object.entries(unpackModel(payload)))).toEqual(FILES);
    }
  });

  it('keeps its vectors, if there are any', async () => {
    const files = new Map([...FILES, ['vectors.safetensors', Uint8Array.of(1, 2, 3)] as const]);
    const { payload } = await readChosenModel(chosen(files));
    expect(new Map(Object.entries(unpackModel(payload)))).toEqual(files);
  });

  it('is rejected if a file is missing, or if there are two models', async () => {
    for (const name of FILES.keys()) {
      const rest = chosen(FILES).filter(({ path }) => path !== name);
      await expect(readChosenModel(rest)).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining(`${name} missing`) as string,
      });
    }
    const two = [...chosen(FILES, 'a/'), ...chosen(FILES, 'b/')];
    await expect(readChosenModel(two)).rejects.toThrow(/more than one model.*a\/ and b\//u);
    await expect(readChosenModel([])).rejects.toMatchObject({ code: 'not-found' });
  });

  const hostile: Readonly<Record<string, ReadonlyMap<ModelFileName, Uint8Array>>> = {
    'layers without end': changed('config.json', (json) => ({ ...json, num_hidden_layers: 1e308 })),
    'a negative width': changed('config.json', (json) => ({ ...json, hidden_size: -8 })),
    'a shape of other weights': changed('config.json', (json) => ({ ...json, intermediate_size: 64 })),
    'a vocabulary of another tokenizer': changed('config.json', (json) => ({ ...json, vocab_size: 300 })),
    'a scale without names': changed('lab.json', (json) => ({ ...json, scale: { names: [], rubric: [] } })),
    'an unknown version': changed('lab.json', (json) => ({ ...json, schemaVersion: 99 })),
    'a card of nothing': changed('card.json', () => null),
    'no tokenizer': changed('tokenizer.json', () => ({})),
    'weights of nothing': new Map(FILES).set('model.safetensors', new Uint8Array()),
    'no JSON': new Map(FILES).set('lab.json', new TextEncoder().encode('{"a":')),
  };

  it.each(Object.entries(hostile))('with %s is rejected by name', async (_name, files) => {
    await expect(readChosenModel(chosen(files))).rejects.toBeInstanceOf(LabError);
  });

  it('results in a LabError or a model for any change to its texts', async () => {
    const name = fc.constantFrom<ModelFileName>('config.json', 'lab.json', 'card.json');
    await fc.assert(
      fc.asyncProperty(name, fc.nat(), fc.jsonValue({ maxDepth: 2 }), async (file, at, value) => {
        const files = changed(file, (json) => {
          const keys = Object.keys(json);
          return { ...json, [keys[at % keys.length] ?? 'more']: value };
        });
        await readChosenModel(chosen(files)).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(LabError));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a checkpoint file of a model', () => {
  const INFO: CheckpointInfo = {
    name: 'from elsewhere',
    note: '',
    kind: 'model',
    isAutomatic: false,
    runId: null,
    parentId: null,
    modelName: 'm',
    worldHash: '',
    step: 0,
    configJson: '{}',
  };
  const check = async (payload: Uint8Array<ArrayBuffer>): Promise<void> => {
    const parts = await packCheckpoint(INFO, payload, 0);
    await checkModelFile(await readCheckpointFile(new Blob([...parts])));
  };

  it('is accepted if its model is complete', async () => {
    await expect(check(packFiles(Object.fromEntries(FILES)))).resolves.toBeUndefined();
  });

  it('is rejected if it has no archive, lacks files, or declares a wrong size', async () => {
    await expect(check(new Uint8Array(100))).rejects.toMatchObject({ code: 'bad-checkpoint' });
    const { 'lab.json': _, ...rest } = Object.fromEntries(FILES);
    await expect(check(packFiles(rest))).rejects.toMatchObject({ code: 'bad-checkpoint' });

    // The size that the archive's directory declares for its first file, set to 2 GB.
    const lying = packFiles(Object.fromEntries(FILES));
    const directory = indexOf(lying, [0x50, 0x4b, 0x01, 0x02]);
    const view = new DataView(lying.buffer);
    view.setUint32(directory + 24, 2 ** 31 - 1, true);
    await expect(check(lying)).rejects.toMatchObject({ code: 'bad-checkpoint' });
    view.setUint32(directory + 20, 2 ** 31 - 1, true);
    await expect(check(lying)).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });
});

function indexOf(bytes: Uint8Array, part: readonly number[]): number {
  return bytes.findIndex((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}
