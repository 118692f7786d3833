/**
 * AdamW (arXiv 1711.05101) with clipping by global norm, over all weights at once.
 *
 * Gradients are concatenated into one vector, so that a step costs about a dozen elementwise ops for any number of
 * tensors, or a few kernels, and the moments are two vectors that a checkpoint stores directly. The order of additions
 * is fixed, so a step is reproducible bit for bit on one device.
 *
 * In mixed precision it also owns the loss scale (loss-scale.ts): {@link AdamW.scaled} multiplies a loss by it, and
 * `apply` divides the gradient by it, or skips an update whose gradient is not finite. On WebGPU all of this stays on
 * the GPU, so that no update waits for a read-back.
 *
 * This room holds the optimizer, the loss scale and the learning rate schedule.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { usesGpuKernels, usesKernels } from '../gpu/dispatch.ts';
import { adamWKernel, scaledAdamWKernel } from '../kernels/adamw.ts';
import type { Weights } from '../model/weights.ts';
import { flatten, unflatten } from '../ops/flat.ts';
import { dot } from '../ops/sums.ts';
import { FIRST_LOSS_SCALE, GROWTH_INTERVAL, type LossScale, nextLossScale } from './loss-scale.ts';

/** The hyperparameters of AdamW. */
export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled decay per unit of learning rate, on matrices only (not on norms and biases). */
  readonly weightDecay: number;
  /** The largest global gradient norm; larger gradients are scaled down to it. */
  readonly maxGradNorm: number;
  /** In mixed precision gradients are those of a scaled loss. Default f32. */
  readonly precision?: TrainingPrecision;
}

/** The state for resuming an optimizer, as plain numbers. */
export interface AdamWState {
  /** Updates requested, including skipped ones. */
  readonly step: number;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Only in mixed precision. */
  readonly lossScale?: LossScale | undefined;
}

/** AdamW over the weights of one model. Owns its moments: call {@link dispose}. */
export class AdamW {
  readonly #weights: readonly tf.Variable[];
  readonly #names: readonly string[];
  readonly #config: AdamWConfig;
  /** Whether a kernel updates; the one with a loss scale exists only on a GPU. */
  readonly #isFused: boolean;
  /** Which parameters decay: 0 or 1 for each, or one bit each for the kernel. */
  readonly #decays: tf.Tensor1D;
  #firstMoment: tf.Tensor1D;
  #secondMoment: tf.Tensor1D;
  /** `[3]`, the numbers of a LossScale; undefined in f32. */
  #lossScale: tf.Tensor1D | undefined;
  #step: number;

  /** @param state - a state to resume; without it the moments start at 0 */
  constructor(weights: Weights, config: AdamWConfig, state?: AdamWState) {
    this.#names = [...weights.keys()];
    this.#weights = [...weights.values()];
    this.#config = config;
    const P = this.#weights.reduce((sum, variable) => sum + variable.size, 0);
    this.#isFused = config.precision === 'mixed' ? usesGpuKernels() : usesKernels();
    this.#decays = tf.keep(this.#isFused ? decayBits(this.#weights, P) : decayMask(this.#weights, P));
    this.#firstMoment = tf.keep(state === undefined ? tf.zeros([P]) : tf.tensor1d(state.firstMoment));
    this.#secondMoment = tf.keep(state === undefined ? tf.zeros([P]) : tf.tensor1d(state.secondMoment));
    const { scale, good, skipped } = state?.lossScale ?? FIRST_LOSS_SCALE;
    this.#lossScale = config.precision === 'mixed' ? tf.keep(tf.tensor1d([scale, good, skipped])) : undefined;
    this.#step = state?.step ?? 0;
  }

  /** The scalar to differentiate: the loss, in mixed precision multiplied by the loss scale. */
  scaled(loss: tf.Scalar): tf.Scalar {
    return this.#lossScale === undefined
      ? loss
      : tf.mul(loss, tf.reshape<tf.Rank.R0>(tf.slice(this.#lossScale, [0], [1]), []));
  }

  /** The current loss scale; undefined in f32. Waits for the GPU. */
  async readLossScale(): Promise<LossScale | undefined> {
    if (this.#lossScale === undefined) return undefined;
    return lossScaleOf(await this.#lossScale.data<'float32'>());
  }

  /**
   * Updates every weight from its gradient. In mixed precision the update is skipped if the gradient is not finite.
   *
   * @param gradients - of the {@link scaled} loss, by weight name; a missing gradient counts as 0
   * @returns the global gradient norm before clipping, a scalar tensor that the caller disposes
   */
  apply(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number): tf.Scalar {
    this.#step += 1;
    return tf.tidy(() => {
      const gradient = flatten(this.#names.map((name, i) => gradients[name] ?? this.#noGradient(i))); // -> [P]
      const weights = flatten(this.#weights); // -> [P]
      return this.#isFused
        ? this.#updateByKernel(gradient, weights, learningRate)
        : this.#updateByOps(gradient, weights, learningRate);
    });
  }

  #updateByKernel(gradient: tf.Tensor1D, weights: tf.Tensor1D, learningRate: number): tf.Scalar {
    const vectors = {
      gradient,
      weights,
      firstMoment: this.#firstMoment,
      secondMoment: this.#secondMoment,
      decays: this.#decays,
    };
    const norm =
      this.#lossScale === undefined
        ? adamWKernel(vectors, { ...this.#config, ...this.#corrections(this.#step), learningRate })
        : scaledAdamWKernel(vectors, this.#lossScale, {
            ...this.#config,
            learningRate,
            updates: this.#step,
            growthInterval: GROWTH_INTERVAL,
          });
    this.#assign(weights);
    return norm;
  }

  #updateByOps(joined: tf.Tensor1D, weights: tf.Tensor1D, learningRate: number): tf.Scalar {
    const { beta1, beta2, eps, weightDecay, maxGradNorm } = this.#config;
    const lossScale = this.#lossScale === undefined ? undefined : lossScaleOf(this.#lossScale.dataSync<'float32'>());
    const unscaled = lossScale === undefined ? joined : tf.div<tf.Tensor1D>(joined, lossScale.scale);
    const norm = tf.sqrt(dot(unscaled, unscaled));
    if (lossScale !== undefined) {
      const isFinite = Number.isFinite(norm.dataSync()[0]); // without a wait, because only a GPU computes asynchronously
      this.#replaceLossScale(nextLossScale(lossScale, isFinite));
      if (!isFinite) return norm;
    }
    const gradient = tf.mul(unscaled, tf.div(maxGradNorm, tf.maximum(norm, maxGradNorm)));

    const { correction1, correction2 } = this.#corrections(this.#step - (lossScale?.skipped ?? 0));
    const first = tf.add<tf.Tensor1D>(tf.mul(this.#firstMoment, beta1), tf.mul(gradient, 1 - beta1));
    const second = tf.add<tf.Tensor1D>(tf.mul(this.#secondMoment, beta2), tf.mul(tf.square(gradient), 1 - beta2));
    const denominator = tf.add(tf.sqrt(tf.div(second, correction2)), eps);
    const adam = tf.mul(tf.div(first, denominator), learningRate / correction1);
    this.#replaceMoments(first, second);

    const keep = tf.sub(1, tf.mul(this.#decays, learningRate * weightDecay));
    this.#assign(tf.sub<tf.Tensor1D>(tf.mul(weights, keep), adam));
    return norm;
  }

  /** The bias corrections of the moments after some updates. */
  #corrections(updates: number): { readonly correction1: number; readonly correction2: number } {
    const { beta1, beta2 } = this.#config;
    return { correction1: 1 - beta1 ** updates, correction2: 1 - beta2 ** updates };
  }

  /** The moments as plain numbers. Waits for the GPU. */
  async readState(): Promise<AdamWState> {
    return {
      step: this.#step,
      firstMoment: Float32Array.from(await this.#firstMoment.data<'float32'>()),
      secondMoment: Float32Array.from(await this.#secondMoment.data<'float32'>()),
      ...(this.#lossScale === undefined ? {} : { lossScale: await this.readLossScale() }),
    };
  }

  dispose(): void {
    this.#decays.dispose();
    this.#firstMoment.dispose();
    this.#secondMoment.dispose();
    this.#lossScale?.dispose();
  }

  #noGradient(index: number): tf.Tensor {
    return tf.zeros([this.#weights[index]?.size ?? 0]);
  }

  #replaceMoments(first: tf.Tensor1D, second: tf.Tensor1D): void {
    this.#firstMoment.dispose();
    this.#secondMoment.dispose();
    this.#firstMoment = tf.keep(first);
    this.#secondMoment = tf.keep(second);
  }

  #replaceLossScale({ scale, good, skipped }: LossScale): void {
    this.#lossScale?.dispose();
    this.#lossScale = tf.keep(tf.tensor1d([scale, good, skipped]));
  }

  // [P] back into the shape of each weight.
  #assign(flat: tf.Tensor1D): void {
    const parts = unflatten(
      flat,
      this.#weights.map(({ shape }) => shape),
    );
    for (const [i, variable] of this.#weights.entries()) variable.assign(parts[i] ?? variable);
  }
}

function decayMask(weights: readonly tf.Variable[], P: number): tf.Tensor1D {
  const mask = new Float32Array(P);
  let offset = 0;
  for (const { size, shape } of weights) {
    if (shape.length >= 2) mask.fill(1, offset, offset + size);
    offset += size;
  }
  return tf.tensor1d(mask);
}

/** The same as bits, 32 parameters per integer. */
function decayBits(weights: readonly tf.Variable[], P: number): tf.Tensor1D {
  const bits = new Int32Array(Math.ceil(P / 32));
  let offset = 0;
  for (const { size, shape } of weights) {
    const end = offset + size;
    if (shape.length >= 2) for (let p = offset; p < end; p++) bits[p >> 5] = (bits[p >> 5] ?? 0) | (1 << (p & 31));
    offset = end;
  }
  return tf.tensor1d(bits, 'int32');
}

function lossScaleOf([scale = NaN, good = NaN, skipped = NaN]: Float32Array): LossScale {
  return { scale, good, skipped };
}
