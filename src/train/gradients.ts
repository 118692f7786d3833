/**
 * Gradients of losses that are computed in several passes, and a comparison of two gradients.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../model/weights.ts';
import { dot } from '../ops/sums.ts';

/** One forward pass: a term of the loss, and values measured beside it that are not differentiated. */
export interface LossPass {
  readonly loss: tf.Scalar;
  readonly measure?: tf.Scalar;
  /** Values to read from this pass. */
  readonly scores?: tf.Tensor | undefined;
}

/** The sums over passes. Owned by the caller: {@link disposeGradients}. */
export interface LossGradients {
  readonly loss: tf.Scalar;
  readonly measure: tf.Scalar;
  /** Of each pass that has scores, in order. */
  readonly scores: readonly tf.Tensor[];
  /** In the order of the weights; of the scaled loss in mixed precision. */
  readonly byWeight: readonly tf.Tensor[];
}

/** The loss to differentiate: the loss itself, or in mixed precision a multiple of it (`AdamW.scaled`). */
type Scaled = (loss: tf.Scalar) => tf.Scalar;
const unscaled: Scaled = (loss) => loss;

/**
 * The gradient of a sum of losses by every weight; each pass is freed before the next begins.
 *
 * @returns undefined without passes
 */
export function lossGradients(
  weights: Weights,
  passes: readonly (() => LossPass)[],
  scaled: Scaled = unscaled,
): LossGradients | undefined {
  const variables = [...weights.values()];
  let total: LossGradients | undefined;
  for (const pass of passes) total = addedTo(total, onePass(variables, pass, scaled));
  return total;
}

/** As {@link lossGradients}. @param afterPass - awaited after each pass, so that other work can use a shared GPU */
export async function pacedGradients(
  weights: Weights,
  passes: readonly (() => LossPass)[],
  scaled: Scaled = unscaled,
  afterPass: () => Promise<void> = () => Promise.resolve(),
): Promise<LossGradients | undefined> {
  const variables = [...weights.values()];
  let total: LossGradients | undefined;
  try {
    for (const pass of passes) {
      total = addedTo(total, onePass(variables, pass, scaled));
      await afterPass();
    }
    return total;
  } catch (error) {
    disposeGradients(total);
    throw error;
  }
}

/** The sum of both; takes ownership of both. */
function addedTo(previous: LossGradients | undefined, next: LossGradients): LossGradients {
  if (previous === undefined) return next;
  const total = tf.tidy(() => ({
    loss: tf.add<tf.Scalar>(previous.loss, next.loss),
    measure: tf.add<tf.Scalar>(previous.measure, next.measure),
    byWeight: previous.byWeight.map((gradient, i) => tf.add(gradient, next.byWeight[i] ?? 0)),
  }));
  for (const each of [previous, next]) disposeGradients({ ...each, scores: [] });
  return { ...total, scores: [...previous.scores, ...next.scores] };
}

function onePass(variables: tf.Variable[], pass: () => LossPass, scaled: Scaled): LossGradients {
  let loss: tf.Scalar | undefined;
  let measure: tf.Scalar | undefined;
  let scores: tf.Tensor | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const result = pass();
    // variableGrads frees everything but the value and the gradients, so these are kept.
    loss = tf.keep(result.loss.clone());
    measure = tf.keep((result.measure ?? tf.scalar(0)).clone());
    scores = result.scores === undefined ? undefined : tf.keep(result.scores.clone());
    return scaled(result.loss);
  }, variables);
  value.dispose();
  return {
    loss: loss ?? tf.scalar(NaN),
    measure: measure ?? tf.scalar(0),
    scores: scores === undefined ? [] : [scores],
    byWeight: variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable)),
  };
}

/** A gradient and its factor; without a gradient there is no term. */
export interface GradientTerm {
  readonly factor: number;
  readonly gradients: LossGradients | undefined;
}

/**
 * `sum_i factor_i gradient_i` by weight name, for the optimizer. The caller disposes it.
 *
 * @returns undefined if no term is left
 */
export function combineGradients(weights: Weights, terms: readonly GradientTerm[]): tf.NamedTensorMap | undefined {
  const present = terms.flatMap(({ factor, gradients }) =>
    gradients === undefined || factor === 0 ? [] : [{ factor, byWeight: gradients.byWeight }],
  );
  if (present.length === 0) return undefined;
  return tf.tidy(() =>
    Object.fromEntries(
      [...weights.keys()].map((name, i) => {
        const terms = present.map(({ factor, byWeight }) => times(byWeight[i] ?? tf.scalar(0), factor));
        return [name, terms.reduce((a, b) => tf.add(a, b))];
      }),
    ),
  );
}

function times(gradient: tf.Tensor, factor: number): tf.Tensor {
  return factor === 1 ? gradient.clone() : tf.mul(gradient, factor);
}

/**
 * The gradient norm of each weight, by name, before clipping.
 *
 * @param squares - of `squaredNorms` of ops/sums.ts, of the scaled loss in mixed precision
 * @param norm - the global norm of the unscaled loss, which the squares are measured by
 * @returns null where the gradient is not finite
 */
export function normsByWeight(
  names: Iterable<string>,
  squares: Float32Array,
  norm: number,
): Readonly<Record<string, number>> | null {
  const total = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  if (!Number.isFinite(norm) || !Number.isFinite(total)) return null;
  const share = (square: number): number => (total === 0 ? 0 : Math.sqrt(square) / total);
  return Object.fromEntries([...names].map((name, i) => [name, norm * share(squares[i] ?? NaN)]));
}

/** The norms of two gradients and the cosine between them; null where a gradient is missing, 0 or not finite. */
export interface GradientGeometry {
  readonly firstNorm: number | null;
  readonly secondNorm: number | null;
  readonly cosine: number | null;
}

/** Compares two gradients over all weights. Waits for the GPU. @param scale - the loss scale of both */
export async function compareGradients(
  first: LossGradients | undefined,
  second: LossGradients | undefined,
  scale = 1,
): Promise<GradientGeometry> {
  const products = tf.tidy(() => {
    const [a, b] = [flatten(first), flatten(second)];
    const overlap = a.size === b.size ? dot(a, b) : tf.scalar(0);
    return tf.stack([dot(a, a), dot(b, b), overlap]); // [3]
  });
  const [aa = NaN, bb = NaN, ab = NaN] = await products.data<'float32'>(); // GPU -> CPU sync
  products.dispose();
  // The product of two small squared norms could underflow, so the roots come first.
  const lengths = Math.sqrt(aa) * Math.sqrt(bb);
  return {
    firstNorm: first === undefined ? null : finite(Math.sqrt(aa) / scale),
    secondNorm: second === undefined ? null : finite(Math.sqrt(bb) / scale),
    cosine: finite(ab / lengths),
  };
}

/** A gradient of norm 0 has no direction, and one that overflowed float16 has no norm. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Frees the backend memory of gradients. */
export function disposeGradients(gradients: LossGradients | undefined): void {
  if (gradients !== undefined)
    tf.dispose([gradients.loss, gradients.measure, ...gradients.scores, ...gradients.byWeight]);
}

function flatten(gradients: LossGradients | undefined): tf.Tensor1D {
  if (gradients === undefined) return tf.zeros([1]);
  return tf.concat(gradients.byWeight.map((gradient) => tf.reshape(gradient, [gradient.size])));
}
