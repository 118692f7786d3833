/**
 * The work of a benchmark: a decoder, a batch of token ids, and the scored positions. Every peer starts from the same
 * weights and trains on the same batch in every step, so that losses can be compared step by step.
 */
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig, ModelConfigSchema } from '../../src/config/model-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { initialWeights, type TensorData } from '../../src/model/weights.ts';

/** A decoder and its training batch. */
export interface Work {
  /** The name of a preset, or the given shape. */
  readonly name: string;
  readonly config: ModelConfig;
  readonly parameters: number;
  readonly B: number;
  readonly T: number;
  /** Each sequence has T next tokens; the last `scored` of them are scored. */
  readonly scored: number;
  /** The initial weights, by Hugging Face name. */
  readonly weights: ReadonlyMap<string, TensorData>;
  /** `[B,T+1]`: position t is an input, position t + 1 its target. */
  readonly tokens: Int32Array;
}

/** Constants of AdamW, the same for every peer; no decay and no clipping, because tfjs's Adam has neither. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.98, eps: 1e-8 } as const;

/** Work A of the engine's targets. */
export const WORK_A = 'L=4,C=256,H=4,K=4,D=64,F=768,V=4096,B=8,T=128';

/** The request of a work: the shape of a preset, or given sizes. */
export type WorkRequest =
  | { readonly preset: PresetName; readonly B: number; readonly T: number; readonly scored?: number | undefined }
  | { readonly shape: string; readonly scored?: number | undefined };

/**
 * Makes the weights and the batch of a work, always the same for the same request.
 *
 * @throws {LabError} `bad-config` for an unreadable or invalid shape
 */
export function makeWork(request: WorkRequest): Work {
  const { name, config, B, T } = 'preset' in request ? presetWork(request) : shapeWork(request.shape);
  const scored = request.scored ?? T;
  if (!(scored >= 1 && scored <= T)) {
    throw new LabError('bad-config', { message: 'Scored positions.', expected: `1 to T = ${T}`, got: `${scored}` });
  }
  const rng = new Rng('bench');
  return {
    name,
    config,
    parameters: countParameters(config),
    B,
    T,
    scored,
    weights: initialWeights(config, rng.fork('weights')),
    tokens: Int32Array.from({ length: B * (T + 1) }, () => rng.int(config.vocabSize)),
  };
}

/** The ids `[B,T]` that a decoder reads. */
export function inputIds({ B, T, tokens }: Work): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: B * T }, (_, n) => tokens[Math.floor(n / T) * (T + 1) + (n % T)] ?? 0);
}

/** The scored targets `[B,scored]`. */
export function targetIds({ B, T, scored, tokens }: Work): Int32Array<ArrayBuffer> {
  const first = T + 1 - scored;
  return Int32Array.from({ length: B * scored }, (_, m) => {
    return tokens[Math.floor(m / scored) * (T + 1) + first + (m % scored)] ?? 0;
  });
}

/** A matrix product of a step, independent of its arrangement. */
export interface Product {
  /** Independent products of this shape. */
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  /** Number of times per step. */
  readonly times: number;
}

/** Floating point operations over all times; a multiplication and its addition count as two. */
export function productFlops({ batch, rows, inner, columns, times }: Product): number {
  return 2 * batch * rows * inner * columns * times;
}

/**
 * The matrix products of a step that every implementation needs: linear layers and attention, forward and backward.
 * Attention counts fully, causal or not (the convention of model FLOP utilisation, arXiv 2204.02311). Products that
 * only some implementations use (one-hot look-ups, rotations, sums by a row of ones) do not count.
 */
export function stepProducts({ config, B, T, scored }: Work): Product[] {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const linear = (rows: number, inner: number, columns: number, times: number): Product[] => [
    { batch: 1, rows, inner, columns, times }, // y = x W^T
    { batch: 1, rows, inner: columns, columns: inner, times }, // dx = dy W
    { batch: 1, rows: columns, inner: rows, columns: inner, times }, // dW = dy^T x
  ];
  const products = [
    ...linear(N, C, H * D, L), // queries
    ...linear(N, C, K * D, 2 * L), // keys, values
    ...linear(N, H * D, C, L), // output
    ...linear(N, C, F, 2 * L), // gate, up
    ...linear(N, F, C, L), // down
    ...linear(B * scored, C, V, 1), // head
    { batch: B * H, rows: T, inner: D, columns: T, times: 2 * L }, // q k^T, dO v^T
    { batch: B * H, rows: T, inner: T, columns: D, times: 2 * L }, // p v, dS k
    { batch: B * H, rows: T, inner: T, columns: D, times: 2 * L }, // dS^T q, p^T dO
  ];
  const byShape = new Map<string, Product>();
  for (const product of products) {
    const key = [product.batch, product.rows, product.inner, product.columns].join();
    byShape.set(key, { ...product, times: product.times + (byShape.get(key)?.times ?? 0) });
  }
  return [...byShape.values()];
}

/** Floating point operations of all products of a step. */
export function stepFlops(work: Work): number {
  return stepProducts(work).reduce((sum, product) => sum + productFlops(product), 0);
}

/** A description for the report. */
export function describeWork({ name, config, parameters, B, T, scored }: Work): string {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const shape = `L=${L},C=${C},H=${H},K=${K},D=${D},F=${F},V=${V},B=${B},T=${T}`;
  const loss = scored === T ? 'loss on every position' : `loss on the last ${scored} positions`;
  return `${name === shape ? '' : `${name}: `}${shape}; ${parameters.toLocaleString('en')} parameters; ${loss}`;
}

function presetWork({ preset, B, T }: { preset: PresetName; B: number; T: number }): NamedShape {
  return { name: preset, config: { ...MODEL_PRESETS[preset], maxPositions: Math.max(T, 1) }, B, T };
}

interface NamedShape {
  readonly name: string;
  readonly config: ModelConfig;
  readonly B: number;
  readonly T: number;
}

const LETTERS = ['L', 'C', 'H', 'K', 'D', 'F', 'V', 'B', 'T'] as const;

/** Reads `L=4,C=256,...`; K defaults to H and D to C/H. */
function shapeWork(text: string): NamedShape {
  const sizes = new Map<string, number>();
  for (const part of text.split(',')) {
    const [letter = '', size = ''] = part.trim().split('=');
    if (!LETTERS.some((known) => known === letter) || !/^\d+$/.test(size)) throw badShape(text, `"${part}"`);
    sizes.set(letter, Number(size));
  }
  const size = (letter: string, fallback?: number): number => {
    const value = sizes.get(letter) ?? fallback;
    if (value === undefined) throw badShape(text, `no ${letter}`);
    return value;
  };
  const [C, H, T] = [size('C'), size('H'), size('T')];
  const config = parseConfig('--shape', ModelConfigSchema, {
    vocabSize: size('V'),
    width: C,
    layers: size('L'),
    heads: H,
    kvHeads: size('K', H),
    headDim: size('D', C / H),
    hidden: size('F'),
    maxPositions: T,
  });
  return { name: text, config, B: size('B'), T };
}

function badShape(text: string, got: string): LabError {
  return new LabError('bad-config', {
    message: `--shape ${text} cannot be read.`,
    expected: `integers as in "${WORK_A}"`,
    got,
  });
}
