/**
 * Weights as stored in files: floats, or matrices quantised in groups (checkpoint/quantised.ts); and their loading onto
 * a backend for inference.
 *
 *     model.layers.0.mlp.up_proj.weight           I8 [O,I/32,32], or U8 [O,I/32,16] of two 4-bit numbers each
 *     model.layers.0.mlp.up_proj.weight.scales    F16 [O,I/32], one per group
 *
 * The groups are a separate axis so that no reader mistakes the integers for the weights: a program that expects [O,I],
 * like transformers, rejects another shape, but would silently read I8 [O,I]. Files of older versions of the lab lack
 * this axis and are read too. Only matrices are quantised, including embeddings; norms and biases are small and stay
 * floats.
 */
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { Precision } from '../config/stored.ts';
import { groupSizeOf, quantise, type QuantisedBits, type QuantisedData } from '../checkpoint/quantised.ts';
import { readSafetensors, type StoredTensor, type TensorData as FileTensor } from '../checkpoint/safetensors.ts';
import { bindingLimitBytes, usesKernels } from '../gpu/dispatch.ts';
import { canKeepHalves, decompress, type HalvesData, toHalves, uploadCompressed } from '../ops/compressed.ts';
import type { Transformer } from './transformer.ts';
import { checkWeights, loadWeights, type TensorData } from './weights.ts';

export type { Precision };

/** Tensors by name, as stored in a file. */
export type StoredWeights = ReadonlyMap<string, TensorData | QuantisedData>;

/** What the name of the scales of a quantised matrix ends with. */
export const SCALES = '.scales';

/** Quantises all matrices whose rows divide into groups. */
export function quantiseWeights(weights: ReadonlyMap<string, TensorData>, bits: QuantisedBits): StoredWeights {
  return new Map(
    [...weights].map(([name, tensor]) => {
      const shape = matrixShape(tensor);
      const isFit = shape !== undefined && groupSizeOf(shape[1]) !== undefined;
      return [name, isFit ? quantise(tensor.data, shape, bits) : tensor];
    }),
  );
}

/** The floats that stored weights represent. */
export function toFloats(stored: StoredWeights): Map<string, TensorData> {
  return new Map(
    [...stored].map(([name, tensor]) => [
      name,
      'bits' in tensor ? { shape: tensor.shape, data: decompress(tensor) } : tensor,
    ]),
  );
}

/**
 * The floats of weights for training.
 *
 * @throws {LabError} `bad-config` if they are quantised, because a run would silently start from rounded weights
 */
export function toTrainable(stored: StoredWeights): Map<string, TensorData> {
  const quantised = [...stored].find(([, tensor]) => 'bits' in tensor);
  if (quantised === undefined) return toFloats(stored);
  throw new LabError('bad-config', {
    message: 'A quantised model cannot be trained.',
    expected: 'weights stored as floats',
    got: `integers with scales in ${quantised[0]}`,
    fix: 'Start from the model that it was made from.',
  });
}

/** The tensors of a file with stored weights; floats as F32. */
export function toFileTensors(stored: StoredWeights): FileTensor[] {
  return [...stored].flatMap(([name, tensor]): FileTensor[] => {
    if (!('bits' in tensor)) return [{ name, dtype: 'F32', shape: tensor.shape, data: tensor.data }];
    const { shape, bits, values, scales } = tensor;
    const [O, I] = shape;
    const groups = scales.length / O;
    return [
      { name, dtype: bits === 8 ? 'I8' : 'U8', shape: [O, groups, ((I / groups) * bits) / 8], data: values },
      { name: `${name}${SCALES}`, dtype: 'F16', shape: [O, groups], data: scales },
    ];
  });
}

/**
 * Reads the weights of a safetensors file.
 *
 * @throws {LabError} `bad-file`; `bad-checkpoint` for integers without matching scales
 */
export function readStoredWeights(bytes: Uint8Array): StoredWeights {
  const { tensors } = readSafetensors(bytes);
  const stored = new Map<string, TensorData | QuantisedData>();
  for (const [name, tensor] of tensors) {
    if (isWhole(tensor)) stored.set(name, toQuantised(tensor, tensors.get(`${name}${SCALES}`)));
    else if (!isScales(name, tensors)) stored.set(name, { shape: tensor.shape, data: tensor.toFloat32() });
  }
  return stored;
}

/** @throws {LabError} `bad-checkpoint` if a tensor is missing, superfluous, misshapen or not finite */
export function checkStoredWeights(config: ModelConfig, stored: StoredWeights): void {
  const compact = onlyQuantised(stored);
  const floats = [...stored].flatMap(([name, tensor]) => ('bits' in tensor ? [] : [[name, tensor] as const]));
  checkWeights(config, new Map(floats), compact);
}

/**
 * Loads weights onto the current backend for inference. Where there are no kernels they become plain floats with
 * exactly the values of the precision.
 *
 * @param precision - of the matrices; default: as stored, floats as f32
 * @throws {LabError} `bad-checkpoint` as {@link loadWeights} does; `out-of-memory` for floats beyond the binding limit
 */
export function loadForAnswering(config: ModelConfig, stored: StoredWeights, precision?: Precision): Transformer {
  const compact = compactOf(stored, precision);
  if (!usesKernels()) {
    const floats = toFloats(stored);
    for (const [name, data] of compact) floats.set(name, { shape: data.shape, data: decompress(data) });
    return { config, weights: loadWeights(config, floats) };
  }
  const rest = new Map([...stored].filter(([name]) => !compact.has(name)));
  for (const [name, { shape }] of rest) checkFits(name, shape);
  const weights = loadWeights(config, toFloats(rest), compact);
  const compressed = new Map([...compact].map(([name, data]) => [name, uploadCompressed(data)] as const));
  return { config, weights, compressed };
}

/** @throws {LabError} `out-of-memory` for a matrix of floats that no buffer of the GPU can hold */
export function checkFits(name: string, shape: readonly number[]): void {
  const sizeBytes = 4 * shape.reduce((product, size) => product * size, 1);
  const most = bindingLimitBytes();
  if (sizeBytes <= most) return;
  throw new LabError('out-of-memory', {
    message: `Tensor ${name} is too large for one buffer of this GPU.`,
    expected: `at most ${most.toLocaleString('en')} bytes`,
    got: `${sizeBytes.toLocaleString('en')} as float32`,
    fix: 'Store matrices in f16, int8 or int4, which are split into shards ("--precision").',
  });
}

/** The bytes of weights in a precision; everything except matrices is float32. */
export function bytesOf(stored: StoredWeights, precision?: Precision): number {
  const compact = compactOf(stored, precision);
  const ofCompact = (data: QuantisedData | HalvesData): number =>
    'halves' in data ? data.halves.byteLength : data.values.byteLength + data.scales.byteLength;
  return [...stored].reduce((sum, [name, { shape }]) => {
    const data = compact.get(name);
    return sum + (data === undefined ? 4 * shape.reduce((product, size) => product * size, 1) : ofCompact(data));
  }, 0);
}

type Compact = ReadonlyMap<string, QuantisedData | HalvesData>;

/** The matrices that stay compressed: those of the given precision, or those stored compressed. */
function compactOf(stored: StoredWeights, precision: Precision | undefined): Compact {
  return precision === undefined ? onlyQuantised(stored) : compressedAs(toFloats(stored), precision);
}

function onlyQuantised(stored: StoredWeights): ReadonlyMap<string, QuantisedData> {
  return new Map([...stored].flatMap(([name, tensor]) => ('bits' in tensor ? [[name, tensor] as const] : [])));
}

function compressedAs(floats: ReadonlyMap<string, TensorData>, precision: Precision): Compact {
  if (precision === 'f32') return new Map();
  if (precision !== 'f16') return onlyQuantised(quantiseWeights(floats, precision === 'int8' ? 8 : 4));
  return new Map(
    [...floats].flatMap(([name, tensor]) => {
      const shape = matrixShape(tensor);
      return shape !== undefined && canKeepHalves(shape[1]) ? [[name, toHalves(tensor.data, shape)] as const] : [];
    }),
  );
}

/** Rows and columns of a matrix; undefined for other shapes. */
export function matrixShape({ shape }: Pick<TensorData, 'shape'>): readonly [number, number] | undefined {
  const [O, I, more] = shape;
  return O === undefined || I === undefined || more !== undefined ? undefined : [O, I];
}

/** What a tensor of a file is, without its data. */
type FileInfo = Pick<FileTensor, 'name' | 'dtype' | 'shape'>;

/** Whether a tensor of a file has integers. */
export function isWhole({ dtype }: Pick<FileTensor, 'dtype'>): boolean {
  return dtype === 'I8' || dtype === 'U8';
}

/** Whether a tensor of a file has the scales of another. */
export function isScales(name: string, tensors: ReadonlyMap<string, Pick<FileTensor, 'dtype'>>): boolean {
  const owner = name.endsWith(SCALES) ? tensors.get(name.slice(0, -SCALES.length)) : undefined;
  return owner !== undefined && isWhole(owner);
}

function toQuantised(tensor: StoredTensor, scales: StoredTensor | undefined): QuantisedData {
  const { shape, bits } = quantisedShape(tensor, scales);
  const halves = scales?.data ?? new Uint8Array();
  return { shape, bits, values: tensor.data, scales: asHalves(halves) };
}

/** Bytes as F16 bit patterns. */
export function asHalves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/**
 * The matrix that integers and scales of a file represent.
 *
 * @throws {LabError} `bad-checkpoint` if they do not belong together
 */
export function quantisedShape(
  { name, dtype, shape }: FileInfo,
  scales: FileInfo | undefined,
): Pick<QuantisedData, 'shape' | 'bits'> {
  const [O = 0, ...inRow] = shape;
  const stored = inRow.reduce((product, size) => product * size, 1);
  const bits = dtype === 'I8' ? 8 : 4;
  const I = (stored * 8) / bits;
  const groupSize = groupSizeOf(I);
  const expected = `[${O}, ${groupSize === undefined ? '?' : I / groupSize}]`;
  if (
    inRow.length === 0 ||
    inRow.length > 2 ||
    groupSize === undefined ||
    (inRow.length === 2 && inRow[0] !== I / groupSize) ||
    scales?.dtype !== 'F16' ||
    `[${scales.shape.join(', ')}]` !== expected
  ) {
    throw new LabError('bad-checkpoint', {
      message: `Tensor ${name} has integers that cannot be read as weights.`,
      expected: `a matrix whose rows are a multiple of 8, and F16 scales of shape ${expected} in ${name}${SCALES}`,
      got: `shape [${shape.join(', ')}], scales ${scales === undefined ? 'missing' : `${scales.dtype} [${scales.shape.join(', ')}]`}`,
      fix: 'Quantise the model again with "npm run lab -- quantise".',
    });
  }
  return { shape: [O, I], bits };
}
