/**
 * Straightforward decoding in plain TensorFlow.js: all sequences in one batch, padded on the left, keys and values that
 * grow by `concat`, logits read back at every token, and sampling on the CPU (tfjs's `multinomial` is wrong on WebGPU).
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '../../src/config/model-config.ts';
import { type SamplerConfig, sampleToken } from '../../src/infer/sampler.ts';
import { maskOf, plainForward, type PlainCache, plainLogits, type PlainTokens, rotationOf } from './plain-decoder.ts';

/** A prompt and the completion that decoding continues with, independent of its own samples. */
export interface ForcedSequence {
  readonly prompt: Int32Array;
  readonly ids: readonly number[];
}

/** The result of a decoding. */
export interface PlainDecoding {
  /** Log-probabilities of the forced tokens, by sequence, in nats. */
  readonly logProbs: number[][];
  /** Own samples that equal the forced tokens. */
  readonly agreedDraws: number;
  /** Milliseconds to read the prompts. */
  readonly promptMs: number;
}

/** Decodes all sequences; sequence b samples with row id b. */
export async function decodePlain(
  model: ModelConfig,
  weights: ReadonlyMap<string, tf.Variable>,
  sequences: readonly ForcedSequence[],
  sampler: SamplerConfig,
): Promise<PlainDecoding> {
  const startMs = performance.now();
  const B = sequences.length;
  const V = model.vocabSize;
  const T = Math.max(...sequences.map(({ prompt }) => prompt.length));
  const pads = sequences.map(({ prompt }) => T - prompt.length);
  const longest = Math.max(...sequences.map(({ ids }) => ids.length));
  const logProbs = sequences.map((): number[] => []);
  let agreedDraws = 0;
  let promptMs = NaN;

  const ids = new Int32Array(B * T);
  for (const [b, { prompt }] of sequences.entries()) ids.set(prompt, b * T + (pads[b] ?? 0));
  const positions = Int32Array.from({ length: B * T }, (_, n) => Math.max(0, (n % T) - (pads[Math.floor(n / T)] ?? 0)));
  let { out, caches } = tf.tidy(() => {
    const mask = maskOf(B, T, T, (b, t, s) => s > t || s < (pads[b] ?? 0));
    const { hidden, caches: made } = plainForward(model, weights, plainTokens(model, ids, positions, B, mask));
    const last = tf.slice(tf.reshape(hidden, [B, T, model.width]), [0, T - 1, 0], [B, 1, model.width]);
    return { out: plainLogits(model, weights, tf.reshape(last, [B, model.width])), caches: made };
  });
  for (let position = 0; position < longest; position++) {
    const rows = await out.data<'float32'>();
    if (position === 0) promptMs = performance.now() - startMs;
    out.dispose();
    const chosen = new Int32Array(B); // the tokens after the end of a sequence do not matter
    for (const [b, { ids: given }] of sequences.entries()) {
      const id = given[position];
      if (id === undefined) continue;
      const row = rows.subarray(b * V, (b + 1) * V);
      if (sampleToken(row, sampler, b, position).id === id) agreedDraws += 1;
      logProbs[b]?.push(logProbOf(row, id));
      chosen[b] = id;
    }
    if (position === longest - 1) break;
    const before: PlainCache[] = caches;
    const S = T + position + 1;
    ({ out, caches } = tf.tidy(() => {
      const mask = maskOf(B, 1, S, (b, _t, s) => s < (pads[b] ?? 0));
      const at = Int32Array.from(pads, (pad) => S - 1 - pad);
      const read = plainForward(model, weights, plainTokens(model, chosen, at, B, mask), before);
      return { out: plainLogits(model, weights, read.hidden), caches: read.caches };
    }));
    tf.dispose(before);
  }
  tf.dispose(caches);
  return { logProbs, agreedDraws, promptMs };
}

/** The input of B sequences. */
export function plainTokens(
  model: ModelConfig,
  ids: Int32Array,
  positions: Int32Array,
  B: number,
  mask: tf.Tensor4D,
): PlainTokens {
  const rotation = rotationOf(model, positions, B);
  return { B, T: ids.length / B, ids: tf.tensor1d(ids, 'int32'), rotation, mask };
}

function logProbOf(row: Float32Array, id: number): number {
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const mass = row.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  return (row[id] ?? NaN) - max - Math.log(mass);
}
