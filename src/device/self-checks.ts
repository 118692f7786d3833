/**
 * The self-checks of a device: every kernel that has variants, by every variant, and the kernels that only answering or
 * an update uses, against double precision. What training uses besides is in the known case of the decoder
 * (runs/decoder-check.ts). The tests judge more shapes; this is what a person can run on a device that no test has seen.
 */
import * as tf from '@tensorflow/tfjs-core';
import { quantise } from '../checkpoint/quantised.ts';
import { Rng } from '../common/rng.ts';
import { makeTrainingBatch } from '../data/batches.ts';
import { usesGpuKernels, usesKernels } from '../gpu/dispatch.ts';
import { findDisagreement } from '../gpu/self-check.ts';
import { attentionBackward, attentionForward, attentionVariants, hasAttentionKernel } from '../kernels/attention.ts';
import type { PassVariant } from '../kernels/attention-shader.ts';
import { packHalves } from '../kernels/halves.ts';
import { type Arrangement, matmulBy, matmulKernel, matmulVariants, type Matrix } from '../kernels/matmul.ts';
import type { MatmulVariant } from '../kernels/matmul-shader.ts';
import { disposeWeights, loadWeights } from '../model/weights.ts';
import { compressedLinear, decompress, disposeCompressed, toHalves, uploadCompressed } from '../ops/compressed.ts';
import { tokenScores } from '../ops/token-scores.ts';
import { AdamW } from '../optim/adamw.ts';
import { generateAll } from '../infer/generate.ts';
import type { Check } from '../protocol/device-report.ts';
import { CHECKED_MODEL, checkedWeights, DECODER_CHECK } from '../runs/decoder-check.ts';
import { sftLoss } from '../train/sft.ts';
import { attention64, product64, scores64, type Tensor64 } from './float64.ts';

/** Of a value, relative to the largest of its tensor; rounding in float32 stays far below. */
const TOLERANCE = 2e-5;

/** Runs all checks that the current backend can. Never throws for a wrong result. */
export async function selfChecks(): Promise<Check[]> {
  return [
    await decoderCheck(),
    ...(await productChecks()),
    ...(await attentionChecks()),
    ...(await compressedChecks()),
    await scoresCheck(),
    await updateCheck(),
    await generationCheck(),
  ];
}

async function decoderCheck(): Promise<Check> {
  const fault = await findDisagreement(DECODER_CHECK);
  const name = 'decoder, loss and the slope of each weight';
  return { name, isRight: fault === undefined, detail: fault ?? 'as in double precision' };
}

/** Multiples of 1/1024 between -1 and 1, which halves hold exactly, but of which sums of products are rounded. */
function random(shape: readonly number[], seed: string): Tensor64 {
  const rng = new Rng(`device check ${seed}`);
  const size = shape.reduce((product, axis) => product * axis, 1);
  return { shape, data: Float64Array.from({ length: size }, () => (rng.int(2049) - 1024) / 1024) };
}

function upload<R extends tf.Rank>({ shape, data }: Tensor64): tf.Tensor<R> {
  return tf.tensor<R>(Float32Array.from(data), [...shape] as unknown as tf.ShapeMap[R]);
}

/** Compares outputs with what is right; a variant also with the bits of the first. */
class Comparison {
  #worst = 0;
  #hasFirstBits = true;
  #fault: string | undefined;

  async add(
    compute: () => tf.Tensor[],
    expected: readonly Float64Array[],
    first?: readonly ArrayLike<number>[],
  ): Promise<ArrayLike<number>[]> {
    try {
      const made = compute();
      const values = await Promise.all(made.map((tensor) => tensor.data<'float32'>()));
      tf.dispose(made);
      for (const [n, wanted] of expected.entries()) this.#worst = Math.max(this.#worst, distance(values[n], wanted));
      if (first !== undefined) {
        this.#hasFirstBits &&= values.every((each, n) => each.every((value, i) => value === first[n]?.[i]));
      }
      return values;
    } catch (thrown) {
      this.#fault ??= thrown instanceof Error ? thrown.message : String(thrown);
      return [];
    }
  }

  /** The result under a name. */
  as(name: string): Check {
    // Written so that NaN is wrong.
    const isRight = this.#fault === undefined && this.#hasFirstBits && this.#worst <= TOLERANCE;
    const bits = this.#hasFirstBits ? '' : '; other bits than the first variant';
    const detail = this.#fault ?? `at most ${this.#worst.toExponential(1)} of the largest value${bits}`;
    return { name, isRight, detail: detail.slice(0, 500) };
  }
}

/** The largest difference as a share of the largest value; NaN or Infinity where there is one. */
function distance(values: ArrayLike<number> | undefined, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  let worst = values?.length === expected.length ? 0 : Infinity;
  for (const [i, value] of expected.entries()) {
    const off = Math.abs((values?.[i] ?? NaN) - value);
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  }
  return worst / largest;
}

/** Result, inner axis; aligned to four and not, within a tile and over several. */
const PRODUCT_SIZES = [
  [1, 4, 8],
  [33, 130, 65],
  [72, 132, 68],
  [128, 256, 96],
] as const;

async function productChecks(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const arrangement of ['nn', 'nt', 'tn'] as const) {
    for (const halves of usesGpuKernels() ? [false, true] : [false]) {
      const variants: (MatmulVariant | undefined)[] = usesGpuKernels() ? matmulVariants(arrangement) : [undefined];
      const comparisons = variants.map(() => new Comparison());
      for (const [M, N, K] of PRODUCT_SIZES) {
        const [a, b] = operands(arrangement, M, N, K);
        const isAligned = [a.shape[1], b.shape[1], N].every((size) => (size ?? 1) % 4 === 0);
        if (halves && !isAligned) continue;
        const expected = product64(a, b, arrangement);
        const given = [a, b].map((each) => stored(upload(each), halves)) as [Matrix, Matrix];
        let first: ArrayLike<number>[] | undefined;
        for (const [n, variant] of variants.entries()) {
          if (n > 0 && !isAligned) continue; // only the first takes other sizes
          const compute = (): tf.Tensor[] => [multiply(variant, given, arrangement)];
          const values = await comparisons[n]?.add(compute, [expected], first);
          first ??= values;
        }
        tf.dispose(given.map((each) => ('packed' in each ? each.packed : each)));
      }
      for (const [n, variant] of variants.entries()) {
        const kind = `${arrangement}${halves ? ', halves' : ''}${variant === undefined ? '' : `, ${variant.name}`}`;
        checks.push(comparisons[n]?.as(`product ${kind}`) ?? missing(kind));
      }
    }
  }
  return checks;
}

function missing(name: string): Check {
  return { name, isRight: false, detail: 'not computed' };
}

function operands(arrangement: Arrangement, M: number, N: number, K: number): [Tensor64, Tensor64] {
  return [
    random(arrangement === 'tn' ? [K, M] : [M, K], `a ${M} ${K}`),
    random(arrangement === 'nt' ? [N, K] : [K, N], `b ${K} ${N}`),
  ];
}

function stored(x: tf.Tensor2D, halves: boolean): Matrix {
  if (!halves) return x;
  const packed = packHalves(x);
  x.dispose();
  return { packed, shape: x.shape };
}

function multiply(variant: MatmulVariant | undefined, [a, b]: [Matrix, Matrix], arrangement: Arrangement): tf.Tensor {
  if (variant !== undefined) return matmulBy(variant, a, b, arrangement).product;
  if (usesKernels()) return matmulKernel(a, b, arrangement);
  return tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, arrangement === 'tn', arrangement === 'nt');
}

/** B, T, H, K, D. */
const ATTENTION_SIZES = [
  [1, 5, 2, 1, 4],
  [2, 37, 4, 2, 12],
  [1, 70, 6, 2, 36],
] as const;

async function attentionChecks(): Promise<Check[]> {
  if (!hasAttentionKernel(4)) return [];
  const variants: (PassVariant | undefined)[] = usesGpuKernels() ? attentionVariants() : [undefined];
  const comparisons = variants.map(() => new Comparison());
  for (const [B, T, H, K, D] of ATTENTION_SIZES) {
    const [q, k, v, dY] = [
      random([B, T, H, D], 'q'),
      random([B, T, K, D], 'k'),
      random([B, T, K, D], 'v'),
      random([B, T, H, D], 'dY'),
    ] as const;
    const { y, dQ, dK, dV } = attention64(q, k, v, dY);
    const heads = { q: upload<tf.Rank.R4>(q), k: upload<tf.Rank.R4>(k), v: upload<tf.Rank.R4>(v) };
    const slope = upload<tf.Rank.R4>(dY);
    let first: ArrayLike<number>[] | undefined;
    for (const [n, variant] of variants.entries()) {
      const compute = (): tf.Tensor[] => {
        const attended = attentionForward(heads, undefined, variant);
        const gradients = attentionBackward(slope, heads, attended, undefined, variant);
        attended.stats.dispose();
        return [attended.y, gradients.q, gradients.k, gradients.v];
      };
      const values = await comparisons[n]?.add(compute, [y, dQ, dK, dV], first);
      first ??= values;
    }
    tf.dispose([...Object.values(heads), slope]);
  }
  return variants.map((variant, n) => {
    const name = `attention with gradients${variant === undefined ? '' : `, ${variant.name}`}`;
    return comparisons[n]?.as(name) ?? missing(name);
  });
}

async function compressedChecks(): Promise<Check[]> {
  if (!usesGpuKernels()) return []; // elsewhere nothing stays compressed
  const checks: Check[] = [];
  const [x, weights] = [random([9, 96], 'compressed x'), random([70, 96], 'compressed weights')];
  const given = upload<tf.Rank.R2>(x);
  for (const format of ['f16', 'int8', 'int4'] as const) {
    const floats = Float32Array.from(weights.data);
    const data = format === 'f16' ? toHalves(floats, [70, 96]) : quantise(floats, [70, 96], format === 'int8' ? 8 : 4);
    const comparison = new Comparison();
    const kept = { shape: [70, 96], data: Float64Array.from(decompress(data)) };
    const matrix = uploadCompressed(data);
    await comparison.add(() => [compressedLinear(given, matrix, {})], [product64(x, kept, 'nt')]);
    disposeCompressed(matrix);
    checks.push(comparison.as(`product with a matrix in ${format}`));
  }
  given.dispose();
  return checks;
}

async function scoresCheck(): Promise<Check> {
  const logits = random([33, 130], 'logits');
  const targets = Int32Array.from({ length: 33 }, (_, n) => (7 * n) % 130);
  const { logProbs, entropies } = scores64(logits, targets);
  const comparison = new Comparison();
  const given = upload<tf.Rank.R2>(logits);
  const compute = (): tf.Tensor[] =>
    tf.tidy(() => {
      const scores = tokenScores(given, targets);
      return [scores.logProbs, scores.entropies()];
    });
  await comparison.add(compute, [logProbs, entropies]);
  given.dispose();
  return comparison.as('log-probabilities and entropies of tokens');
}

/** The first update of AdamW is the learning rate times the sign of the gradient, where eps is small beside it. */
async function updateCheck(): Promise<Check> {
  const [weight, gradient] = [random([13, 8], 'weight'), random([13, 8], 'gradient')];
  const [rate, eps, decay] = [1e-2, 1e-8, 0.1];
  const expected = weight.data.map((value, i) => {
    const slope = gradient.data[i] ?? NaN;
    return value - rate * (slope / (Math.abs(slope) + eps) + decay * value);
  });
  const variable = tf.variable(upload<tf.Rank.R2>(weight));
  const config = { beta1: 0.9, beta2: 0.98, eps, weightDecay: decay, maxGradNorm: 1e9 };
  const optimizer = new AdamW(new Map([['weight', variable]]), config);
  const comparison = new Comparison();
  const compute = (): tf.Tensor[] => {
    const slope = upload(gradient);
    optimizer.apply({ weight: slope }, rate).dispose();
    slope.dispose();
    return [tf.clone(variable)];
  };
  await comparison.add(compute, [expected]);
  optimizer.dispose();
  variable.dispose();
  return comparison.as('an update of AdamW');
}

/** Tokens that are drawn one by one with a cache must have the probabilities of a pass over the whole sequence. */
async function generationCheck(): Promise<Check> {
  const weights = loadWeights(CHECKED_MODEL, checkedWeights());
  const model = { config: CHECKED_MODEL, weights };
  const rng = new Rng('device check prompts');
  const prompts = [5, 9, 2].map((length) => Int32Array.from({ length }, () => rng.int(CHECKED_MODEL.vocabSize)));
  const comparison = new Comparison();
  try {
    const sampler = { temperature: 1, seed: 3 };
    const completions = await generateAll(model, prompts, { eosId: -1, maxTokens: 12, sampler });
    for (const [n, { ids, logProbs }] of completions.entries()) {
      const example = { prompt: prompts[n] ?? new Int32Array(), completion: Int32Array.from(ids) };
      const mean = logProbs.reduce((sum, logProb) => sum - logProb, 0) / logProbs.length;
      await comparison.add(
        () => [tf.tidy(() => sftLoss(model, makeTrainingBatch([example])))],
        [Float64Array.of(mean)],
      );
    }
  } finally {
    disposeWeights(weights);
  }
  return comparison.as('tokens drawn with a cache, against one pass');
}
