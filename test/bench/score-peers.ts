/**
 * The peers of the scoring benchmark: the lab by `scorePrompts`, like its commands and its page; plain tfjs and jax-js
 * by a forward pass over whole prompts that computes logits only for the last tokens.
 */
import { blockUntilReady, getWebGPUDevice, jit, nn, numpy as np, tree } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { scorePrompts } from '../../src/infer/score.ts';
import { disposeWeights, loadWeights } from '../../src/model/weights.ts';
import type { BenchBackend, NamedBackend } from './backend-pair.ts';
import { type Arrays, lastLogits, startJaxJs } from './peers/jax-js.ts';
import { maskOf, plainForward, plainLogits, plainWeights, rotationOf } from './plain-decoder.ts';
import type { ScoreWork } from './score-work.ts';

/** One implementation, loaded with the weights of a work. */
export interface ScorePeer {
  readonly name: 'ours' | 'tfjs' | 'jaxjs';
  /** The distribution over the labels for each prompt. Resolves after read-back. */
  readonly score: (prompts: readonly Int32Array[]) => Promise<number[][]>;
  /** The GPU device of this peer; undefined on wasm. */
  readonly device: GPUDevice | undefined;
  readonly dispose: () => Promise<void>;
}

/** Prompts per forward pass of plain tfjs and jax-js. */
const BATCH = 32;

export async function openScoreOurs(work: ScoreWork, { name, device }: NamedBackend): Promise<ScorePeer> {
  await tf.setBackend(name);
  const model = { config: work.model, weights: loadWeights(work.model, work.weights) };
  return {
    name: 'ours',
    device,
    score: async (prompts) => {
      await tf.setBackend(name);
      const scores = await scorePrompts(model, work.labelIds, prompts);
      return scores.map(({ probabilities }) => [...probabilities]);
    },
    dispose: async () => {
      await tf.setBackend(name);
      disposeWeights(model.weights);
    },
  };
}

export async function openScorePlain(work: ScoreWork, { name, device }: NamedBackend): Promise<ScorePeer> {
  await tf.setBackend(name);
  const { model: config, T, labelIds } = work;
  const weights = plainWeights(work.weights);
  const positions = Int32Array.from({ length: T }, (_, t) => t);
  const rotation = rotationOf(config, positions, 1);
  const mask = maskOf(1, T, T, (_b, t, s) => s > t);
  const labels = tf.tensor1d([...labelIds], 'int32');
  const scoreBatch = (prompts: readonly Int32Array[]): tf.Tensor2D => {
    const B = prompts.length;
    const ids = tf.tensor1d(joined(prompts), 'int32');
    const { hidden } = plainForward(config, weights, { B, T, ids, rotation, mask, isInference: true });
    const last = tf.slice(tf.reshape(hidden, [B, T, config.width]), [0, T - 1, 0], [B, 1, config.width]);
    const logits = plainLogits(config, weights, tf.reshape(last, [B, config.width])); // [B,V]
    return tf.gather(tf.softmax(logits), labels, 1); // [B,V] -> [B,R]
  };
  return {
    name: 'tfjs',
    device,
    score: async (prompts) => {
      await tf.setBackend(name);
      const scores: number[][] = [];
      for (const batch of batchesOf(prompts)) {
        const out = tf.tidy(() => scoreBatch(batch));
        scores.push(...distributions(await out.data<'float32'>(), labelIds.length));
        out.dispose();
      }
      return scores;
    },
    dispose: async () => {
      await tf.setBackend(name);
      tf.dispose([rotation.cos, rotation.sin, mask, labels, ...weights.values()]);
    },
  };
}

export async function openScoreJaxJs(work: ScoreWork, backend: BenchBackend): Promise<ScorePeer> {
  const { model: config, T, labelIds } = work;
  const weights = await startJaxJs(work.weights, backend);
  const labels = np.array(Int32Array.from(labelIds));
  /** Compiled for each number of prompts. */
  const byBatch = new Map<number, ReturnType<typeof compile>>();
  const compile = (B: number) =>
    jit((parameters: Arrays, ids: np.Array, of: np.Array): np.Array => {
      const logits = lastLogits({ config, B, T, scored: 1 }, parameters, ids);
      tree.dispose(parameters);
      return np.take(nn.softmax(logits, -1), of, 1); // [B,V] -> [B,R]
    });
  return {
    name: 'jaxjs',
    device: backend === 'webgpu' ? getWebGPUDevice() : undefined,
    score: async (prompts) => {
      const scores: number[][] = [];
      for (const batch of batchesOf(prompts)) {
        const run = byBatch.get(batch.length) ?? compile(batch.length);
        byBatch.set(batch.length, run);
        const out = run(tree.ref(weights), np.array(joined(batch)), labels.ref);
        await blockUntilReady(out);
        scores.push(...distributions((await out.data()) as Float32Array, labelIds.length));
      }
      return scores;
    },
    dispose: async () => {
      tree.dispose(weights);
      labels.dispose();
      for (const run of byBatch.values()) run.dispose();
      await Promise.resolve();
    },
  };
}

function batchesOf<T>(prompts: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(prompts.length / BATCH) }, (_, i) => prompts.slice(i * BATCH, (i + 1) * BATCH));
}

function joined(prompts: readonly Int32Array[]): Int32Array<ArrayBuffer> {
  return Int32Array.from(prompts.flatMap((prompt) => [...prompt]));
}

/** Rows of R masses, normalised to sum to 1. */
function distributions(masses: Float32Array, R: number): number[][] {
  return Array.from({ length: masses.length / R }, (_, m) => {
    const row = [...masses.subarray(m * R, (m + 1) * R)];
    const total = row.reduce((sum, mass) => sum + mass, 0);
    return row.map((mass) => mass / total);
  });
}
