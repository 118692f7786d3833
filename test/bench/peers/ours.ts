/**
 * The work on the lab's path: `trainSft`, exactly as in a run, paused before each update. The batch consists of
 * examples whose completions are the scored tokens. Decay and clipping have no effect here, because tfjs's Adam has
 * neither, but the lab still computes them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { parseConfig } from '../../../src/config/parse.ts';
import { SftConfigSchema, type TrainingPrecision } from '../../../src/config/sft-config.ts';
import type { Example } from '../../../src/data/batches.ts';
import { loadWeights } from '../../../src/model/weights.ts';
import { trainSft } from '../../../src/train/sft.ts';
import type { NamedBackend } from '../backend-pair.ts';
import { gatedRun } from '../gate.ts';
import { ADAM, type Work } from '../work.ts';
import type { Peer } from './peer.ts';

/** More updates than a benchmark makes, so that evaluations and checkpoints never run. */
const NEVER = 10_000_000;

/** Loads a work into the lab's trainer. */
export async function openOurs(work: Work, backend: NamedBackend, precision: TrainingPrecision = 'f32'): Promise<Peer> {
  await tf.setBackend(backend.name);
  const model = { config: work.config, weights: loadWeights(work.config, work.weights) };
  let lossNats = NaN;
  const config = parseConfig('The benchmark', SftConfigSchema, {
    steps: NEVER,
    batchSize: work.B,
    learningRate: ADAM.learningRate,
    warmupSteps: 0,
    finalFraction: 1,
    beta1: ADAM.beta1,
    beta2: ADAM.beta2,
    adamEps: ADAM.eps,
    weightDecay: 0,
    maxGradNorm: 1e9,
    evaluateEvery: NEVER,
    checkpointEvery: NEVER,
    logEvery: 1,
    precision,
  });
  return gatedRun(
    backend,
    model.weights,
    (gate, signal) =>
      trainSft(config, {
        model,
        examples: examplesOf(work),
        signal,
        beforeUpdate: () => gate.wait(),
        onLog: (entry) => {
          lossNats = entry.lossNats;
        },
      }),
    () => lossNats,
  );
}

/** The sequences of a work as examples whose completions are the scored tokens. */
function examplesOf({ B, T, scored, tokens }: Work): Example[] {
  return Array.from({ length: B }, (_, b) => {
    const [start, end] = [b * (T + 1), (b + 1) * (T + 1)];
    return { prompt: tokens.slice(start, end - scored), completion: tokens.slice(end - scored, end) };
  });
}
