/**
 * The work on plain TensorFlow.js: the decoder in tfjs ops (plain-decoder.ts), gradients from its tape, and its Adam,
 * which has neither weight decay nor clipping.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../../src/common/errors.ts';
import type { NamedBackend } from '../backend-pair.ts';
import {
  maskOf,
  oneHot,
  plainForward,
  plainLogits,
  type PlainTokens,
  plainWeights,
  rotationOf,
} from '../plain-decoder.ts';
import { ADAM, inputIds, targetIds, type Work } from '../work.ts';
import type { Peer } from './peer.ts';

/** Loads a work onto a tfjs backend. */
export async function openPlainTfjs(work: Work, { name: backend, device }: NamedBackend): Promise<Peer> {
  await tf.setBackend(backend);
  const { config, B, T } = work;
  const weights = plainWeights(work.weights);
  const { learningRate, beta1, beta2, eps } = ADAM;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, eps);
  const tokens: PlainTokens = {
    B,
    T,
    ids: tf.tensor1d(inputIds(work), 'int32'),
    rotation: rotationOf(
      config,
      Int32Array.from({ length: T }, (_, t) => t),
      1,
    ),
    mask: maskOf(1, T, T, (_b, t, s) => s > t),
  };
  const targets = tf.tensor1d(targetIds(work), 'int32');
  return {
    name: 'tfjs',
    device,
    step: async () => {
      await tf.setBackend(backend);
      const loss = optimizer.minimize(() => meanLoss(work, weights, tokens, targets), true);
      if (loss === null) throw new LabError('internal', { message: 'plain tfjs peer: minimize gave no loss.' });
      const [value] = await loss.data(); // queued last, so it resolves after all computation
      loss.dispose();
      return value ?? NaN;
    },
    dispose: async () => {
      await tf.setBackend(backend);
      optimizer.dispose();
      const { ids, rotation, mask } = tokens;
      tf.dispose([ids, rotation.cos, rotation.sin, mask, targets, ...weights.values()]);
    },
  };
}

/** The mean negative log-likelihood of the scored targets, in nats. */
function meanLoss(
  { config, B, T, scored }: Work,
  weights: ReadonlyMap<string, tf.Variable>,
  tokens: PlainTokens,
  targets: tf.Tensor1D,
): tf.Scalar {
  const { vocabSize: V, width: C } = config;
  const { hidden } = plainForward(config, weights, tokens);
  const kept = tf.slice(tf.reshape(hidden, [B, T, C]), [0, T - scored, 0], [B, scored, C]);
  const logits = plainLogits(config, weights, tf.reshape(kept, [B * scored, C]));
  return tf.losses.softmaxCrossEntropy(oneHot(targets, V), logits).asScalar();
}
