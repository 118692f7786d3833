/**
 * Compares the sentence encoder with what transformers computed: how it was made stands in
 * `test/fixtures/encoder/make-fixture.py`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ENCODER_FILES, type EncoderFileName, SentenceEncoder } from '../../src/encoder/sentence-encoder.ts';
import { expectClose } from './expect-close.ts';
import { at, dot } from './tensor64.ts';

const FIXTURE = new URL('../fixtures/encoder/', import.meta.url).pathname;
const rows = v.array(v.array(v.number()));
const ExpectedSchema = v.object({ texts: v.array(v.string()), ids: rows, vectors: rows });
const RealSchema = v.object({ first: rows, cosines: rows });

/** Texts, ids of their word pieces, and vectors in double precision. */
export const EXPECTED_VECTORS = v.parse(ExpectedSchema, readJson('expected.json'));

/** The folder of all-MiniLM-L6-v2; undefined, with a line that says so, where it is missing. */
export function miniLmFolder(): string | undefined {
  const root = process.env['AFRL_MODELS'] ?? join(homedir(), '.cache/afrl-models');
  const folder = join(root, 'minilm');
  if (existsSync(join(folder, 'model.safetensors'))) return folder;
  process.stdout.write(`all-MiniLM-L6-v2 is missing (${folder}); its tests are skipped.\n`);
  return undefined;
}

/** The files of an encoder's folder. */
export function encoderFiles(folder = FIXTURE, weights = 'model.safetensors'): Map<EncoderFileName, Uint8Array> {
  const place = (name: EncoderFileName): string => join(folder, name === 'model.safetensors' ? weights : name);
  return new Map(ENCODER_FILES.map((name) => [name, readFileSync(place(name))]));
}

/** Expects the vectors of the tiny encoder. @param weights - the name of the file of weights */
export async function judgeEncoder(weights: string): Promise<void> {
  const encoder = SentenceEncoder.load(encoderFiles(FIXTURE, weights));
  const vectors = await encoder.encode(EXPECTED_VECTORS.texts);
  for (const [i, vector] of vectors.entries()) {
    expectClose(vector, at(EXPECTED_VECTORS.vectors, i), { absolute: 1e-5 }, `vector of text ${i}`);
  }
  encoder.dispose();
}

/** Expects the vectors of all-MiniLM-L6-v2. */
export async function judgeMiniLm(folder: string): Promise<void> {
  const { first, cosines } = v.parse(RealSchema, readJson('real.json'));
  const encoder = SentenceEncoder.load(encoderFiles(folder));
  const vectors = await encoder.encode(EXPECTED_VECTORS.texts);
  for (const [i, vector] of vectors.entries()) {
    expectClose(vector.subarray(0, 8), at(first, i), { absolute: 1e-3 }, `first numbers of text ${i}`);
    const found = vectors.map((other) => dot(vector, other));
    expectClose(found, at(cosines, i), { absolute: 1e-3 }, `cosines of text ${i}`);
  }
  encoder.dispose();
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURE, name), 'utf8'));
}
