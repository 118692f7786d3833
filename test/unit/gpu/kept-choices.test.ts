import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choicesInFile } from '../../../src/cli/choices-file.ts';
import {
  type ChoiceKeeper,
  choicesKeptFor,
  type KeptChoices,
  keepVariantChoices,
  withChoices,
} from '../../../src/gpu/kept-choices.ts';

/** As far as the name of a device is made of it. */
function deviceOf(info: Partial<GPUAdapterInfo>, features: readonly string[] = ['subgroups']): GPUDevice {
  return { adapterInfo: info, features: new Set(features) } as unknown as GPUDevice;
}

const CHOICES: KeptChoices = new Map([['product nt', { variant: 'lanes', build: 'b1' }]]);
const MESA = { vendor: 'mesa', architecture: 'software', device: 'llvmpipe', description: 'Mesa 25.0.7' };

describe('kept choices of kernel variants', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'choices-'));
    file = join(folder, 'cache', 'variants.json');
  });
  afterEach(async () => {
    keepVariantChoices(undefined);
    await rm(folder, { recursive: true });
  });

  const keptFor = (device: GPUDevice, change: Partial<ChoiceKeeper> = {}) => {
    keepVariantChoices({ ...choicesInFile(file), ...change });
    const kept = choicesKeptFor(device);
    if (kept === undefined) throw new Error('Nothing is kept.');
    return kept;
  };

  it('are none unless a place was named', () => {
    expect(choicesKeptFor(deviceOf(MESA))).toBeUndefined();
  });

  it('come back for the same device, driver and engine alone', async () => {
    const save = keptFor(deviceOf(MESA)).save;
    await save(CHOICES);
    await save(new Map([['attention', { variant: 'blocks', build: 'b2' }]]));
    expect(await keptFor(deviceOf(MESA)).load()).toEqual(
      new Map([...CHOICES, ['attention', { variant: 'blocks', build: 'b2' }]]),
    );
    const others = [
      keptFor(deviceOf({ ...MESA, description: 'Mesa 25.0.8' })),
      keptFor(deviceOf({ ...MESA, vendor: 'other' })),
      keptFor(deviceOf({ ...MESA, subgroupMinSize: 16 })),
      keptFor(deviceOf(MESA, [])),
      keptFor(deviceOf(MESA), { engine: 'Node 99' }),
    ];
    for (const other of others) expect(await other.load()).toEqual(new Map());
    expect(await readdir(join(folder, 'cache')), 'no part of a file stays').toEqual(['variants.json']);
  });

  it.each([
    '',
    '[{',
    '{"device": 1}',
    'null',
    '[{"device": "x", "usedAt": "today", "choices": []}]',
    `[{"device": "x", "usedAt": 1, "choices": [{"key": "k", "variant": "${'v'.repeat(501)}", "build": "b"}]}]`,
  ])('are as if there were none in a damaged file, and written anew: %j', async (text) => {
    await keptFor(deviceOf(MESA)).save(CHOICES);
    await writeFile(file, text);
    expect(await keptFor(deviceOf(MESA)).load()).toEqual(new Map());
    await keptFor(deviceOf(MESA)).save(CHOICES);
    expect(await keptFor(deviceOf(MESA)).load()).toEqual(CHOICES);
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveLength(1);
  });

  it('harm nobody where nothing can be read or written', async () => {
    const refused = () => Promise.reject(new Error('forbidden'));
    const kept = keptFor(deviceOf(MESA), { read: refused, change: refused });
    await expect(kept.save(CHOICES)).resolves.toBeUndefined();
    expect(await kept.load()).toEqual(new Map());
  });

  it('are those of the eight devices used last', () => {
    let value: unknown;
    for (let i = 0; i < 12; i++) value = withChoices(value, `device ${i % 10}`, CHOICES, i);
    const names = withChoices(value, 'another', CHOICES, 99).map(({ device }) => device);
    expect(names).toEqual(['another', ...[1, 0, 9, 8, 7, 6, 5].map((n) => `device ${n}`)]);
  });
});
