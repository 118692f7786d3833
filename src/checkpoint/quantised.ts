/**
 * Weights as small integers: symmetric quantisation in groups along a row, each with its own scale.
 *
 *     weight = q * scale      q in -127..127 (8 bits) or -7..7 (4 bits)
 *
 * A group is 32 neighbours in a row, fewer if 32 does not divide the row, so that a large weight affects the precision
 * of its own group only. Scales are half-precision, which makes 8.5 and 4.5 bits per weight. With 8 bits the scale of a
 * group follows from its largest weight. With 4 bits that wastes levels on a single outlier, so the scale with the
 * least squared error among a few smaller ones is used, and values beyond it are clipped.
 */
import { LabError } from '../common/errors.ts';
import { floatsToHalves, halvesToFloats } from './float16.ts';

/** Bits per stored weight. */
export type QuantisedBits = 4 | 8;

/** A quantised matrix. */
export interface QuantisedData {
  /** `[O,I]` of the weights. */
  readonly shape: readonly [number, number];
  readonly bits: QuantisedBits;
  /** O*I*bits/8 bytes, row by row, two's complement; the first of two 4-bit weights is in the lower half. */
  readonly values: Uint8Array;
  /** One per group, row by row, as F16 bit patterns. */
  readonly scales: Uint16Array;
}

const GROUP_SIZES = [32, 16, 8] as const;
const LARGEST = { 4: 7, 8: 127 } as const;
/** Candidate scales of a group, as shares of the scale that clips nothing. */
const SCALE_SHARES = { 4: [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65], 8: [1] } as const;

/**
 * Weights per group in rows of a given width; undefined if no group size divides it, so that the rows stay unquantised.
 */
export function groupSizeOf(width: number): number | undefined {
  return GROUP_SIZES.find((size) => width % size === 0);
}

/**
 * Quantises a matrix.
 *
 * @param weights - O*I finite numbers
 * @throws {LabError} `bad-shape` if no group size divides I
 */
export function quantise(weights: Float32Array, [O, I]: readonly [number, number], bits: QuantisedBits): QuantisedData {
  const groupSize = groupSizeOf(I);
  if (groupSize === undefined || weights.length !== O * I) {
    throw new LabError('bad-shape', {
      message: `A matrix of shape [${O}, ${I}] cannot be quantised.`,
      expected: `${O} rows of a multiple of ${GROUP_SIZES.at(-1)} weights`,
      got: `${weights.length} weights`,
    });
  }
  const values = new Uint8Array((O * I * bits) / 8);
  const scales = new Uint16Array((O * I) / groupSize);
  for (let group = 0; group < scales.length; group++) {
    const start = group * groupSize;
    const scale = bestScale(weights, start, start + groupSize, bits);
    scales[group] = toHalf(scale);
    for (let i = start; i < start + groupSize; i++) writeValue(values, i, nearest(weights[i] ?? 0, scale, bits), bits);
  }
  return { shape: [O, I], bits, values, scales };
}

/** The weights that a quantised matrix represents, O*I. */
export function dequantise({ bits, values, scales, shape: [O, I] }: QuantisedData): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(O * I);
  const groupSize = weights.length / scales.length;
  const floats = halvesToFloats(scales);
  for (let i = 0; i < weights.length; i++) {
    weights[i] = readValue(values, i, bits) * (floats[Math.floor(i / groupSize)] ?? 0);
  }
  return weights;
}

/** The scale of the weights from `start` to `end`, rounded to F16, with the least squared error. */
function bestScale(weights: Float32Array, start: number, end: number, bits: QuantisedBits): number {
  let largest = 0;
  for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(weights[i] ?? 0));
  const shares = SCALE_SHARES[bits];
  let [best, leastError] = [0, Infinity];
  for (const share of shares) {
    const scale = roundedToHalf((share * largest) / LARGEST[bits]);
    if (shares.length === 1) return scale < Infinity ? scale : 0;
    let error = 0;
    for (let i = start; i < end; i++) {
      const weight = weights[i] ?? 0;
      error += (weight - nearest(weight, scale, bits) * scale) ** 2;
    }
    if (error < leastError) [best, leastError] = [scale, error];
  }
  return best;
}

// Groups are many, so that one number at a time goes through the same arrays.
const oneFloat = new Float32Array(1);
const oneHalf = new Uint16Array(1);

function toHalf(value: number): number {
  oneFloat[0] = value;
  return floatsToHalves(oneFloat)[0] ?? 0;
}

function roundedToHalf(value: number): number {
  oneHalf[0] = toHalf(value);
  return halvesToFloats(oneHalf)[0] ?? 0;
}

function nearest(weight: number, scale: number, bits: QuantisedBits): number {
  if (scale === 0) return 0;
  const most = LARGEST[bits];
  return Math.max(-most, Math.min(most, Math.round(weight / scale)));
}

function writeValue(values: Uint8Array, i: number, value: number, bits: QuantisedBits): void {
  if (bits === 8) values[i] = value;
  else values[i >> 1] = (values[i >> 1] ?? 0) | ((value & 0xf) << (4 * (i & 1)));
}

function readValue(values: Uint8Array, i: number, bits: QuantisedBits): number {
  // -128 has no positive counterpart. Other programs may write it; the shader reads it as -127 too.
  if (bits === 8) return Math.max(-127, ((values[i] ?? 0) << 24) >> 24);
  return ((values[i >> 1] ?? 0) << (i % 2 === 0 ? 28 : 24)) >> 28;
}
