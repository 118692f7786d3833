/**
 * AdamW (arXiv 1711.05101) with clipping by global norm, over all weights at once.
 *
 * Gradients are joined into one vector, so a step costs about a dozen elementwise operations whatever the number of
 * tensors, or on WebGPU four passes of a kernel; and the moments are two vectors that a checkpoint stores as they are. The
 * order of addition is fixed, so a step is repeatable bit for bit on one device.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { adamWKernel } from '../kernels/adamw.ts';
import type { Weights } from '../model/weights.ts';
import { flatten, unflatten } from '../ops/flat.ts';

/** The constants of AdamW. */
export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled decay per unit of learning rate, on matrices only (not on norms and biases). */
  readonly weightDecay: number;
  /** The largest global gradient norm; larger gradients are scaled down to it. */
  readonly maxGradNorm: number;
}

/** What a resumed optimizer needs, as plain numbers. */
export interface AdamWState {
  readonly step: number;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** AdamW over the weights of one model. Owns its moments: call {@link dispose}. */
export class AdamW {
  readonly #weights: readonly tf.Variable[];
  readonly #names: readonly string[];
  readonly #config: AdamWConfig;
  /** Which parameters decay: 0 or 1 for each, or for the kernel a bit for each. */
  readonly #decays: tf.Tensor1D;
  #firstMoment: tf.Tensor1D;
  #secondMoment: tf.Tensor1D;
  #step: number;

  /** @param state - to go on from; without it the moments start at 0 */
  constructor(weights: Weights, config: AdamWConfig, state?: AdamWState) {
    this.#names = [...weights.keys()];
    this.#weights = [...weights.values()];
    this.#config = config;
    const P = this.#weights.reduce((sum, variable) => sum + variable.size, 0);
    this.#decays = tf.keep(usesKernels() ? decayBits(this.#weights, P) : decayMask(this.#weights, P));
    this.#firstMoment = tf.keep(state === undefined ? tf.zeros([P]) : tf.tensor1d(state.firstMoment));
    this.#secondMoment = tf.keep(state === undefined ? tf.zeros([P]) : tf.tensor1d(state.secondMoment));
    this.#step = state?.step ?? 0;
  }

  /** Updates made so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * Updates every weight from its gradient.
   *
   * @param gradients - by weight name; a weight without one counts as gradient 0
   * @returns the global gradient norm before clipping, a scalar tensor that the caller disposes
   */
  apply(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number): tf.Scalar {
    this.#step += 1;
    return tf.tidy(() => {
      const gradient = flatten(this.#names.map((name, i) => gradients[name] ?? this.#noGradient(i))); // -> [P]
      const weights = flatten(this.#weights); // -> [P]
      return usesKernels()
        ? this.#updateByKernel(gradient, weights, learningRate)
        : this.#updateByOps(gradient, weights, learningRate);
    });
  }

  #updateByKernel(gradient: tf.Tensor1D, weights: tf.Tensor1D, learningRate: number): tf.Scalar {
    const norm = adamWKernel(
      {
        gradient,
        weights,
        firstMoment: this.#firstMoment,
        secondMoment: this.#secondMoment,
        decays: this.#decays,
      },
      { ...this.#config, ...this.#corrections(), learningRate },
    );
    this.#assign(weights);
    return norm;
  }

  #updateByOps(joined: tf.Tensor1D, weights: tf.Tensor1D, learningRate: number): tf.Scalar {
    const { beta1, beta2, eps, weightDecay, maxGradNorm } = this.#config;
    const { correction1, correction2 } = this.#corrections();
    const norm = tf.sqrt(tf.sum<tf.Scalar>(tf.square(joined)));
    const gradient = tf.mul(joined, tf.div(maxGradNorm, tf.maximum(norm, maxGradNorm)));

    const first = tf.add<tf.Tensor1D>(tf.mul(this.#firstMoment, beta1), tf.mul(gradient, 1 - beta1));
    const second = tf.add<tf.Tensor1D>(tf.mul(this.#secondMoment, beta2), tf.mul(tf.square(gradient), 1 - beta2));
    const denominator = tf.add(tf.sqrt(tf.div(second, correction2)), eps);
    const adam = tf.mul(tf.div(first, denominator), learningRate / correction1);
    this.#replaceMoments(first, second);

    const keep = tf.sub(1, tf.mul(this.#decays, learningRate * weightDecay));
    this.#assign(tf.sub<tf.Tensor1D>(tf.mul(weights, keep), adam));
    return norm;
  }

  /** How much of their size the moments have, having started at 0. */
  #corrections(): { readonly correction1: number; readonly correction2: number } {
    const { beta1, beta2 } = this.#config;
    return { correction1: 1 - beta1 ** this.#step, correction2: 1 - beta2 ** this.#step };
  }

  /** The moments as plain numbers. Waits for the GPU. */
  async readState(): Promise<AdamWState> {
    return {
      step: this.#step,
      firstMoment: Float32Array.from(await this.#firstMoment.data<'float32'>()),
      secondMoment: Float32Array.from(await this.#secondMoment.data<'float32'>()),
    };
  }

  dispose(): void {
    this.#decays.dispose();
    this.#firstMoment.dispose();
    this.#secondMoment.dispose();
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

/** The same in bits, 32 parameters in a number. */
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
