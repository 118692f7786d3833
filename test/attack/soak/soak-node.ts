/** Trains and answers in this process, and measures what it holds. */
import * as tf from '@tensorflow/tfjs-core';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as v from 'valibot';
import { openNodeBackend } from '../../../src/cli/node-backend.ts';
import { Rng } from '../../../src/common/rng.ts';
import { SftConfigSchema } from '../../../src/config/sft-config.ts';
import { backendMemory } from '../../../src/gpu/current-backend.ts';
import { answerPair } from '../../../src/infer/answer.ts';
import { loadLabModel } from '../../../src/infer/lab-model.ts';
import { initialWeights, loadWeights, disposeWeights } from '../../../src/model/weights.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { trainSft } from '../../../src/train/sft.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import type { Sample } from './slopes.ts';

// A context made after the flag was set has it, so the command needs no flag of its own.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const ANSWERS_A_ROUND = 20;
const STEPS_A_ROUND = 5;

/** @param onSample - hears each sample when it is taken */
export async function soakNode(
  minutes: number,
  everySeconds: number,
  backend: 'wasm' | 'webgpu' | 'cpu',
  onSample: (sample: Sample) => void,
): Promise<void> {
  await openNodeBackend(backend);
  const model = await loadLabModel(smallModelFiles());
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 60_000;
  let [answers, steps, sampledAt] = [0, 0, 0];
  while (elapsed() < minutes) {
    for (let i = 0; i < ANSWERS_A_ROUND; i++) {
      // Words that were not seen before, so that caches of words fill as they do in long use.
      const word = `word${(answers += 1)}`;
      const document = makeDocument({ docId: word, title: `${word} kettle, red`, text: 'steel' });
      await answerPair(model, { query: `red ${word}`, document }, { emit: () => undefined });
    }
    await train(STEPS_A_ROUND, steps);
    steps += STEPS_A_ROUND;
    if (elapsed() * 60 < sampledAt + everySeconds) continue;
    sampledAt = elapsed() * 60;
    collect();
    onSample({ minutes: elapsed(), answers, steps, values: held() });
  }
}

/** A short run of its own: weights, optimizer and checkpoints come and go. */
async function train(steps: number, seed: number): Promise<void> {
  const { config } = SMALL;
  const rng = new Rng(seed);
  const examples = Array.from({ length: 16 }, () => ({
    prompt: Int32Array.from({ length: 4 + rng.int(20) }, () => 2 + rng.int(200)),
    completion: Int32Array.of(2 + rng.int(4), 1),
  }));
  const model = { config, weights: loadWeights(config, initialWeights(config, new Rng(1))) };
  await trainSft(
    v.parse(SftConfigSchema, { steps, batchSize: 4, warmupSteps: 0, checkpointEvery: steps, evaluateEvery: 1000 }),
    {
      model,
      examples,
      onCheckpoint: () => Promise.resolve(),
    },
  );
  disposeWeights(model.weights);
}
const SMALL = {
  config: {
    vocabSize: 256,
    width: 32,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    hidden: 48,
    maxPositions: 64,
    ropeTheta: 10_000,
    normEps: 1e-6,
    qkNorm: true,
    attentionBias: false,
    tiedEmbeddings: true,
  },
};

/** Bytes, except for tensors. */
function held(): Record<string, number> {
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const { numTensors, numBytes } = tf.memory();
  return {
    'JS heap': heapUsed,
    external,
    'array buffers': arrayBuffers,
    RSS: rss,
    tensors: numTensors,
    'tensor bytes': numBytes,
    // Of a GPU or of WebAssembly, free buffers included.
    'memory of the backend': backendMemory().bytes,
  };
}
