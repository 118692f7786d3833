/** Training steps of many lengths, for tests that nothing grows with the number of steps. */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/common/rng.ts';
import { makeTrainingBatch } from '../../src/data/batches.ts';
import { backendMemory, waitForBackend } from '../../src/gpu/current-backend.ts';
import { disposeWeights, initialWeights, loadWeights, type Weights } from '../../src/model/weights.ts';
import { AdamW } from '../../src/optim/adamw.ts';
import { sftLoss } from '../../src/train/sft.ts';

const MODEL = {
  vocabSize: 40,
  width: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  hidden: 24,
  maxPositions: 128,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
} as const;
const OPTIMIZER = { beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };
/**
 * 2,000 steps. Lengths run from 8 to 99; each of the first four rounds has a different remainder mod 4, so all its
 * lengths are new.
 */
const [ROUNDS, STEPS] = [20, 100] as const;

/** One update on two sequences. */
function makeStep(weights: Weights, optimizer: AdamW, rng: Rng, length: number): void {
  const sequence = Int32Array.from({ length }, () => rng.int(MODEL.vocabSize));
  const example = { prompt: sequence.slice(0, -3), completion: sequence.slice(-3) };
  const batch = makeTrainingBatch([example, example]);
  const { value, grads } = tf.variableGrads(() => sftLoss({ config: MODEL, weights }, batch), [...weights.values()]);
  const byName = [...weights].map(
    ([name, variable]) => [name, grads[variable.name] ?? tf.zerosLike(variable)] as const,
  );
  optimizer.apply(Object.fromEntries(byName), 1e-3).dispose();
  tf.dispose([value, grads]);
}

/** Makes 2,000 steps on the current backend. @returns tensors and bytes after each of 20 rounds */
export async function memoryOverSteps(): Promise<{ readonly tensors: number; readonly bytes: number }[]> {
  const rng = new Rng('memory');
  const weights = loadWeights(MODEL, initialWeights(MODEL, rng.fork('weights')));
  const optimizer = new AdamW(weights, OPTIMIZER);
  const seen: { tensors: number; bytes: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const lengths = Array.from({ length: STEPS }, (_, i) => 8 + ((4 * i + round) % 92));
    for (const length of rng.shuffle(lengths)) makeStep(weights, optimizer, rng, length);
    await waitForBackend();
    seen.push(backendMemory());
  }
  optimizer.dispose();
  disposeWeights(weights);
  return seen;
}
