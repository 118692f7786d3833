/**
 * Puts weights on the backend one after the other, straight from files: JavaScript holds one tensor at a time, of a
 * large matrix that is rounded only some rows besides its rounded form.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { halvesToFloats } from '../checkpoint/float16.ts';
import { dequantise, groupSizeOf, quantise, type QuantisedBits, type QuantisedData } from '../checkpoint/quantised.ts';
import type { ModelConfig } from '../config/model-config.ts';
import { uploadNow, usesKernels } from '../gpu/dispatch.ts';
import {
  canKeepHalves,
  type CompressedMatrix,
  decompress,
  disposeCompressed,
  type HalvesData,
  toHalves,
  uploadCompressed,
} from '../ops/compressed.ts';
import { checkFits, matrixShape, type Precision } from './stored-weights.ts';
import type { Transformer } from './transformer.ts';
import type { RowRange, SourceTensor, WeightSource } from './weight-source.ts';
import { checkFinite, checkShapes, disposeWeights, toVariable } from './weights.ts';

/** Weights that are read at once of a large matrix. */
const PIECE_WEIGHTS = 2 ** 22;
const FLOAT_BYTES = 4;

/** What a tensor becomes: floats, halves, the integers that are stored, or new ones. */
type Form = 'f32' | 'f16' | 'stored' | QuantisedBits;

/** Memory of loading. */
export interface LoadingBytes {
  /** On the backend once all is loaded. */
  readonly weights: number;
  /** The most that JavaScript holds besides while a tensor is on its way. */
  readonly passing: number;
}

/** Called after each tensor with the bytes of the files that have been read. */
export type OnLoaded = (loadedBytes: number, totalBytes: number) => void;

/**
 * Loads weights onto the current backend for inference, as `loadForAnswering` does with weights that are in memory: the
 * same precisions, the same values. Integers that are stored in the wanted number of bits are kept as they are.
 *
 * @param precision - of the matrices; default: as stored, floats and blocks that the lab has no integers for as f32
 * @param onProgress - if it throws, loading ends with that error
 * @throws {LabError} `bad-checkpoint` if a tensor is missing, superfluous or misshapen, before any is read, or not
 *   finite; `out-of-memory` for floats beyond the binding limit; what the source throws. Nothing stays on the backend.
 */
export async function loadStreamed(
  config: ModelConfig,
  source: WeightSource,
  precision?: Precision,
  onProgress?: OnLoaded,
): Promise<Transformer> {
  const plan = planOf(config, source, precision);
  const isCompact = usesKernels();
  if (isCompact) for (const { name, form, tensor } of plan) if (form === 'f32') checkFits(name, tensor.shape);
  const total = plan.reduce((sum, { tensor }) => sum + tensor.storedBytes, 0);
  const weights = new Map<string, tf.Variable>();
  const compressed = new Map<string, CompressedMatrix>();
  let loaded = 0;
  try {
    for (const { name, form, tensor } of plan) {
      const data = isCompact && form !== 'f32' ? await readCompact(source, name, tensor, form) : undefined;
      if (data === undefined) {
        if (isCompact) checkFits(name, tensor.shape); // also integers that had to become floats
        const variable = toVariable({ shape: tensor.shape, data: await readFloats(source, name, tensor, form) });
        weights.set(name, variable);
        uploadNow([variable]);
      } else {
        const matrix = uploadCompressed(data);
        compressed.set(name, matrix);
        uploadNow(matrix.shards.flatMap(({ values, scales }) => (scales === undefined ? [values] : [values, scales])));
      }
      loaded += tensor.storedBytes;
      onProgress?.(loaded, total);
    }
  } catch (error) {
    disposeWeights(weights);
    for (const matrix of compressed.values()) disposeCompressed(matrix);
    throw error;
  }
  return isCompact ? { config, weights, compressed } : { config, weights };
}

/**
 * The memory that {@link loadStreamed} takes, without reading a tensor.
 *
 * @param hasKernels - whether matrices stay compressed; default: whether they do on the current backend
 * @throws {LabError} `bad-checkpoint` if a tensor is missing, superfluous or misshapen
 */
export function bytesNeeded(
  config: ModelConfig,
  source: WeightSource,
  precision?: Precision,
  hasKernels: boolean = usesKernels(),
): LoadingBytes {
  let [weights, passing] = [0, 0];
  for (const { form, tensor } of planOf(config, source, precision)) {
    const count = tensor.shape.reduce((product, size) => product * size, 1);
    const piece =
      FLOAT_BYTES * Math.min(count, PIECE_WEIGHTS) + tensor.storedBytes * Math.min(1, PIECE_WEIGHTS / count);
    const kept = hasKernels ? keptBytes(form, tensor) : FLOAT_BYTES * count;
    weights += kept;
    passing = Math.max(passing, kept + piece);
  }
  return { weights, passing };
}

interface Planned {
  readonly name: string;
  readonly tensor: SourceTensor;
  readonly form: Form;
}

/** All tensors in the order of a forward pass. */
function planOf(config: ModelConfig, { tensors }: WeightSource, precision: Precision | undefined): Planned[] {
  return [...checkShapes(config, tensors)].map(([name, shape]) => {
    const tensor = tensors.get(name) ?? { shape, storedBytes: 0 };
    return { name, tensor, form: formOf(tensor, precision) };
  });
}

function formOf(tensor: SourceTensor, precision: Precision | undefined): Form {
  if (precision === undefined) return tensor.bits === undefined ? 'f32' : 'stored';
  const width = matrixShape(tensor)?.[1];
  if (width === undefined || precision === 'f32') return 'f32';
  if (precision === 'f16') return canKeepHalves(width) ? 'f16' : 'f32';
  const bits = precision === 'int8' ? 8 : 4;
  if (groupSizeOf(width) === undefined) return 'f32';
  return tensor.bits === bits ? 'stored' : bits;
}

/** Bytes on the GPU, where scales are floats. */
function keptBytes(form: Form, { shape, bits: storedBits }: SourceTensor): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (form === 'f32') return FLOAT_BYTES * count;
  if (form === 'f16') return 2 * count;
  const bits = form === 'stored' ? (storedBits ?? 8) : form;
  return (count * bits) / 8 + (FLOAT_BYTES * count) / (groupSizeOf(shape[1] ?? 0) ?? 1);
}

/** A matrix in its compressed form; undefined if integers turn out not to fit exactly. */
async function readCompact(
  source: WeightSource,
  name: string,
  tensor: SourceTensor,
  form: Exclude<Form, 'f32'>,
): Promise<QuantisedData | HalvesData | undefined> {
  const [O, I] = matrixShape(tensor) ?? [0, 0];
  if (form === 'stored') {
    const read = await source.read(name);
    if (!('bits' in read)) return undefined;
    checkFinite(name, tensor.shape, halvesToFloats(read.scales));
    return read;
  }
  const pieces = rounding(form, O, I);
  for (const rows of piecesOf(O, I)) pieces.add(await readPiece(source, name, tensor, rows), rows);
  return pieces.whole;
}

/** Collects the rounded rows of a matrix. */
function rounding(
  form: 'f16' | QuantisedBits,
  O: number,
  I: number,
): { readonly whole: QuantisedData | HalvesData; add(floats: Float32Array, rows: RowRange): void } {
  if (form === 'f16') {
    const halves = new Uint16Array(O * I);
    return {
      whole: { shape: [O, I], halves },
      add: (floats, [first, end]) => halves.set(toHalves(floats, [end - first, I]).halves, first * I),
    };
  }
  const groups = I / (groupSizeOf(I) ?? I);
  const values = new Uint8Array((O * I * form) / 8);
  const scales = new Uint16Array(O * groups);
  return {
    whole: { shape: [O, I], bits: form, values, scales },
    add: (floats, [first, end]) => {
      const rounded = quantise(floats, [end - first, I], form);
      values.set(rounded.values, (first * I * form) / 8);
      scales.set(rounded.scales, first * groups);
    },
  };
}

/** The floats of a tensor, with exactly the values of its form. */
async function readFloats(source: WeightSource, name: string, tensor: SourceTensor, form: Form): Promise<Float32Array> {
  const shape = matrixShape(tensor);
  if (shape === undefined) return readPiece(source, name, tensor);
  const [O, I] = shape;
  const whole = new Float32Array(O * I);
  for (const rows of piecesOf(O, I)) {
    const floats = await readPiece(source, name, tensor, rows);
    whole.set(rounded(floats, [rows[1] - rows[0], I], form), rows[0] * I);
  }
  return whole;
}

function rounded(floats: Float32Array, shape: readonly [number, number], form: Form): Float32Array {
  if (form === 'f32' || form === 'stored') return floats;
  return decompress(form === 'f16' ? toHalves(floats, shape) : quantise(floats, shape, form));
}

async function readPiece(
  source: WeightSource,
  name: string,
  { shape }: SourceTensor,
  rows?: RowRange,
): Promise<Float32Array> {
  const read = await source.read(name, rows);
  const floats = 'bits' in read ? dequantise(read) : read.data;
  checkFinite(name, shape, floats);
  return floats;
}

/** Ranges of rows that cover a matrix. */
function piecesOf(O: number, I: number): RowRange[] {
  const rows = Math.max(1, Math.floor(PIECE_WEIGHTS / I));
  return Array.from({ length: Math.ceil(O / rows) }, (_, i) => [i * rows, Math.min(O, (i + 1) * rows)] as const);
}
