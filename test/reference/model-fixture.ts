/**
 * The fixtures of `test/fixtures/models`: tiny random decoders in the formats of other programs, and the logits that
 * transformers computes from what each file represents. How they were made stands in `make-fixtures.py` beside them.
 */
import { existsSync, openAsBlob, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { blobSource, type ByteSource } from '../../src/checkpoint/byte-source.ts';
import { readGguf } from '../../src/checkpoint/gguf.ts';
import { fromGgufMetadata } from '../../src/config/gguf-config.ts';
import type { ModelConfig } from '../../src/config/model-config.ts';
import { ggufWeights } from '../../src/model/gguf-weights.ts';
import { forward, logits, type Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weight-source.ts';
import { disposeWeights } from '../../src/model/weights.ts';
import { disposeCompressed } from '../../src/ops/compressed.ts';

/** Folders with files of llama.cpp. */
export const GGUF_FIXTURES = [
  ['llama', 'f16.gguf'],
  ['llama', 'q8_0.gguf'],
  ['llama', 'q4_0.gguf'],
  ['qwen2', 'f32.gguf'],
  ['qwen2', 'q4_1.gguf'],
  ['qwen3', 'bf16.gguf'],
  ['qwen3', 'q5.gguf'],
  ['qwen3-k', 'k.gguf'],
] as const;

/** Where a fixture lies. */
export function fixturePath(...parts: readonly string[]): string {
  return fileURLToPath(new URL(`../fixtures/models/${parts.join('/')}`, import.meta.url));
}

/** A file of a fixture, read from disk. */
export function fixtureBytes(...parts: readonly string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(fixturePath(...parts)));
}

/** A JSON file of a fixture. */
export function fixtureJson(...parts: readonly string[]): unknown {
  return JSON.parse(readFileSync(fixturePath(...parts), 'utf8'));
}

/** What transformers computes from a file. */
export function expectedOf(
  folder: string,
  file: string,
): { readonly tokens: Int32Array; readonly logits: Float32Array } {
  const { tokens, logits } = fixtureJson(folder, 'expected.json') as {
    readonly tokens: readonly number[];
    readonly logits: Readonly<Record<string, string>>;
  };
  return { tokens: Int32Array.from(tokens), logits: floatsOf(logits[file] ?? '') };
}

/** Float32 numbers in base64. */
export function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

/** The shape and the weights of a GGUF file. */
export async function openGguf(
  source: ByteSource,
): Promise<{ readonly config: ModelConfig; readonly source: WeightSource }> {
  // prettier-ignore
  const file = await readGguf(source);
  const config = fromGgufMetadata(file.metadata, file.tensors);
  return { config, source: await ggufWeights(file, source, config) };
}

/** A file on disk, which is not read whole. */
export async function fileSource(path: string): Promise<ByteSource> {
  return blobSource(await openAsBlob(path));
}

/** The logits of every position of one sequence, `[T*V]`. */
export async function logitsOf(model: Transformer, tokens: Int32Array): Promise<Float32Array> {
  const rows = tf.tidy(() => logits(model, forward(model, { B: 1, T: tokens.length, ids: tokens })));
  const read = await rows.data<'float32'>();
  rows.dispose();
  return read;
}

/** Frees a model. */
export function disposeModel({ weights, compressed }: Transformer): void {
  disposeWeights(weights);
  for (const matrix of compressed?.values() ?? []) disposeCompressed(matrix);
}

/** The largest difference of two lists of numbers. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

/** A real model that is not part of the repository; undefined where it has not been fetched. */
export function realModel(...parts: readonly string[]): string | undefined {
  const path = join(process.env['AFRL_MODELS'] ?? join(homedir(), '.cache/afrl-models'), ...parts);
  return existsSync(path) ? path : undefined;
}
