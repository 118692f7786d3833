/** `lab score --encoder`: another order, each text read once, and a clear refusal where it would change nothing. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lab } from './lab.ts';

const ENCODER = 'test/fixtures/encoder';
const PAIRS = 'docs/examples/pairs.tsv';

describe('score --encoder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-encoder-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const score = (...more: string[]) => lab('score', PAIRS, '--backend', 'wasm', ...more);

  it('asks the model by the similarities of the encoder, and reads no text twice', async () => {
    const kept = ['--encoder', ENCODER, '--keep-vectors', at('kept.safetensors')];
    const [plain, first] = [await score('--out', at('plain.csv')), await score('--out', at('first.csv'), ...kept)];
    expect([plain.code, first.code]).toEqual([0, 0]);
    expect(first.err).toContain('0 vectors were kept');
    expect(first.err).toMatch(/texts read by the encoder: 15\/15/u);
    expect(first.out).toContain('pair accuracy of its vectors alone');
    const second = await score('--out', at('second.csv'), ...kept);
    expect(second.err).toContain('15 vectors were kept');
    expect(second.err).not.toContain('texts read');
    const [a, b, c] = await Promise.all(
      ['plain', 'first', 'second'].map((name) => readFile(at(`${name}.csv`), 'utf8')),
    );
    expect(b).not.toBe(a);
    expect(c).toBe(b);
  });

  it.each<[string, string[], RegExp]>([
    ['a folder that is no encoder', ['--encoder', 'docs'], /docs.config\.json is not there/u],
    ['a model without meaning', ['--encoder', ENCODER, '--model', 'default'], /compares no meanings/u],
    ['vectors of no encoder', ['--keep-vectors', 'x'], /--keep-vectors is about the vectors of an encoder/u],
    ['rules alone', ['--encoder', ENCODER, '--rules-alone'], /--encoder is about a model/u],
    ['a proof', ['--encoder', ENCODER, '--proof', 'x.proof.json'], /encoder is none of them/u],
  ])('refuses %s', async (_, options, message) => {
    const { code, err } = await score(...options);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  it('answers one pair by them too', async () => {
    const ask = (...more: string[]) =>
      lab('answer', 'steel knife', 'knife', '--model', 'general', '--backend', 'wasm', ...more);
    const [plain, encoded] = [await ask(), await ask('--encoder', ENCODER)];
    expect([plain.code, encoded.code]).toEqual([0, 0]);
    expect(encoded.err).toContain('Titles are compared by encoder.');
    expect(encoded.out).not.toBe(plain.out);
  });

  it('refuses a file of kept vectors that is something else, and leaves it as it is', async () => {
    const path = at('notes.txt');
    await writeFile(path, 'my notes');
    const { code, err } = await score('--encoder', ENCODER, '--keep-vectors', path);
    expect(code).toBe(2);
    expect(err).toContain(path);
    expect(await readFile(path, 'utf8')).toBe('my notes');
  });
});
