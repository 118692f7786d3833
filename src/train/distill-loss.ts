/**
 * Distillation losses: the divergence of a student's next-token distribution from its teacher's, row by row.
 *
 * Label-token KD (arXiv 1503.02531) softens both distributions by a temperature and rescales the smaller gradients. It
 * is restricted to the R label tokens, because softening over the whole vocabulary would let tokens that are never
 * generated outweigh the labels.
 *
 *     T^2 KL(softmax(z_T / T) || softmax(z_S / T))
 *
 * GKD (arXiv 2306.13649) mixes the two distributions and takes the divergence of each from the mixture:
 *
 *     M = beta P_T + (1 - beta) P_S        JSD_beta = beta KL(P_T || M) + (1 - beta) KL(P_S || M)
 *
 * JSD_beta is 0 at beta 0 and 1, whatever the models predict; divided by beta, or by 1 - beta, it tends to KL(P_T ||
 * P_S) or KL(P_S || P_T). The end points are defined as these limits, so the loss at 0 and the loss at 0.01 differ in
 * scale.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DistillMethod } from '../config/distill-config.ts';
import { differentiable } from '../ops/differentiable.ts';
import { sumEachRow } from '../ops/sums.ts';
import { distribution } from '../ops/token-entropies.ts';
import { tokenKl } from '../ops/token-kl.ts';
import { tokenLogProbs } from '../ops/token-log-probs.ts';

/** M scored rows of a batch. Gradients flow through `logits` only. */
export interface DistillRows {
  /** `[M,V]`, of the student. */
  readonly logits: tf.Tensor2D;
  /** The M next tokens. */
  readonly targets: Int32Array;
  /** `[M,V]`, of the teacher. Computed on demand by label-kd and jsd. */
  readonly teacher: () => tf.Tensor2D;
}

/**
 * The loss of a method at each row, `[M]`, in nats; chosen once, before the loop.
 *
 * @param labelIds - the R label tokens
 */
export function distillLoss(method: DistillMethod, labelIds: readonly number[]): (rows: DistillRows) => tf.Tensor1D {
  switch (method.kind) {
    case 'expert':
    case 'hard-label':
    case 'trace':
      return ({ logits, targets }) => tf.neg(tokenLogProbs(logits, targets));
    case 'label-kd':
      return ({ logits, teacher }) =>
        temperedKl(columns(logits, labelIds), columns(teacher(), labelIds), method.temperature);
    case 'jsd':
      return ({ logits, teacher }) => generalizedJsd(logits, teacher(), method.beta);
    default:
      return method satisfies never;
  }
}

/**
 * `T^2 KL(teacher || student)` of each row, both softened by the temperature.
 *
 * @param logits - `[M,V]`, of the student
 * @param teacher - `[M,V]`
 * @returns `[M]`, in nats
 */
export function temperedKl(logits: tf.Tensor2D, teacher: tf.Tensor2D, temperature: number): tf.Tensor1D {
  const soft = (z: tf.Tensor2D): tf.Tensor2D => tf.div(z, temperature);
  return tf.mul(temperature * temperature, tokenKl(soft(logits), soft(teacher), 'forward'));
}

/**
 * `JSD_beta` of each row.
 *
 * @param logits - `[M,V]`, of the student
 * @param teacher - `[M,V]`
 * @param beta - in [0, 1]; 0 is KL(teacher || student), 1 is KL(student || teacher)
 * @returns `[M]`, in nats
 */
export function generalizedJsd(logits: tf.Tensor2D, teacher: tf.Tensor2D, beta: number): tf.Tensor1D {
  if (beta === 0) return tokenKl(logits, teacher, 'forward');
  if (beta === 1) return tokenKl(logits, teacher, 'reverse');
  const [M] = logits.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const { logP: logS, p: pS } = distribution(logits);
      const { logP: logT, p: pT } = distribution(teacher);
      const logM = logMixture(logT, logS, beta); // [M,V]
      const gap = tf.sub(logS, logM);
      const ofStudent = sumEachRow(tf.mul(pS, gap)); // KL(P_S || M), [M,V] -> [M]
      const ofTeacher = sumEachRow(tf.mul(pT, tf.sub(logT, logM)));
      for (const tensor of [pS, gap, ofStudent]) save(tensor);
      return tf.add(tf.mul(beta, ofTeacher), tf.mul(1 - beta, ofStudent));
    },
    // dJSD/dP_S = (1 - beta) log(P_S / M), because the terms through the mixture cancel. Through the softmax:
    // dJSD/dz = (1 - beta) P_S (log(P_S / M) - KL(P_S || M))
    backward: (dY, saved) => {
      const [pS, gap, ofStudent] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      const slope = tf.mul(pS, tf.sub(gap, tf.reshape(ofStudent, [M, 1])));
      return [tf.mul(slope, tf.mul(1 - beta, tf.reshape(dY, [M, 1])))];
    },
  });
}

/** Some columns of logits, `[M,V] -> [M,R]`, as a product because its gradient works on every backend. */
function columns(logits: tf.Tensor2D, ids: readonly number[]): tf.Tensor2D {
  const [, V] = logits.shape;
  // tf.oneHot of tfjs-wasm 4.22 always returns integers, whose bits matMul reads as denormal floats.
  const isColumn = new Float32Array(ids.length * V);
  for (const [r, id] of ids.entries()) isColumn[r * V + id] = 1;
  return tf.matMul(logits, tf.tensor2d(isColumn, [ids.length, V]), false, true);
}

/** `log(beta P_T + (1 - beta) P_S)`, finite even where both probabilities underflow float32. */
function logMixture(logT: tf.Tensor2D, logS: tf.Tensor2D, beta: number): tf.Tensor2D {
  const a = tf.add(logT, Math.log(beta));
  const b = tf.add(logS, Math.log(1 - beta));
  const lower = tf.neg(tf.abs(tf.sub(a, b)));
  return tf.add(tf.maximum(a, b), tf.log(tf.add(tf.exp(lower), 1)));
}
