/**
 * Blocks of GGUF tensors as floats, or as the lab's own integers where they are the same thing.
 *
 *     Q8_0, Q4_0, Q5_0    weight = d q                     32 weights, d F16, q signed
 *     Q4_1, Q5_1          weight = d q + m                 32 weights, d and m F16, q from 0 on
 *     Q4_K, Q5_K          weight = (d s) q - (dmin m)      256 weights; s and m of 6 bits per 32 weights
 *     Q6_K                weight = (d s) q                 256 weights; s of 8 bits per 16 weights
 *
 * Products of a scale and an integer are exact in float32, so that results are those of ggml to the bit.
 */
import { LabError } from '../common/errors.ts';
import { bfloatsToFloats, halvesToFloats } from './float16.ts';
import { GGML_TYPES, type GgmlType, ggmlBytes } from './ggml-types.ts';
import type { QuantisedData } from './quantised.ts';

/** The value of every F16 bit pattern; a block has one to three of them. */
let halfValues: Float32Array | undefined;

/** Weights of one block, from byte `at` of the bytes to index `to` of the floats. */
type BlockReader = (view: DataView, at: number, floats: Float32Array, to: number, halves: Float32Array) => void;

/**
 * The weights that blocks represent.
 *
 * @param count - the number of weights, a multiple of the block of the type
 * @throws {LabError} `bad-shape` if the number of bytes is not that of the weights
 */
export function dequantiseBlocks(type: GgmlType, bytes: Uint8Array, count: number): Float32Array<ArrayBuffer> {
  const { weights, bytes: blockBytes } = GGML_TYPES[type];
  if (!Number.isSafeInteger(count) || count % weights !== 0 || bytes.length !== ggmlBytes(type, count)) {
    throw new LabError('bad-shape', {
      message: `Blocks of type ${type} cannot be read.`,
      expected: `a multiple of ${weights} weights, ${blockBytes} bytes for each`,
      got: `${bytes.length} bytes for ${count} weights`,
    });
  }
  if (type === 'F32') return new Float32Array(bytes.slice().buffer);
  if (type === 'F16') return halvesToFloats(new Uint16Array(bytes.slice().buffer));
  if (type === 'BF16') return bfloatsToFloats(new Uint16Array(bytes.slice().buffer));
  const read = READERS[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = new Float32Array(count);
  const halves = (halfValues ??= halvesToFloats(Uint16Array.from({ length: 65_536 }, (_, i) => i)));
  for (let block = 0; block * weights < count; block++) read(view, block * blockBytes, floats, block * weights, halves);
  return floats;
}

/**
 * Q8_0 as the lab's int8, Q4_0 as its int4: the same integers and scales in another order, groups of 32.
 *
 * @param shape - of the tensor; only matrices are kept as integers
 * @returns undefined for other types and shapes, and for Q8_0 with a -128, which the lab reads as -127 (no quantiser
 *   writes it); their floats are {@link dequantiseBlocks}
 */
export function asQuantised(type: GgmlType, shape: readonly number[], bytes: Uint8Array): QuantisedData | undefined {
  const [O = 0, I = 0] = shape;
  if (shape.length !== 2 || (type !== 'Q8_0' && type !== 'Q4_0') || I % 32 !== 0) return undefined;
  const { bytes: blockBytes } = GGML_TYPES[type];
  const blocks = bytes.length / blockBytes;
  const scales = new Uint16Array(blocks);
  const valueBytes = blockBytes - 2;
  const values = new Uint8Array(blocks * valueBytes);
  for (let block = 0; block < blocks; block++) {
    const at = block * blockBytes;
    scales[block] = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const block32 = bytes.subarray(at + 2, at + blockBytes);
    if (type === 'Q8_0') {
      if (block32.includes(0x80)) return undefined;
      values.set(block32, block * valueBytes);
    } else {
      packNibbles(block32, values, block * valueBytes);
    }
  }
  return { shape: [O, I], bits: type === 'Q8_0' ? 8 : 4, values, scales };
}

/**
 * 32 numbers of 4 bits, from the order of ggml (the first half in the lower halves of bytes, offset by 8) to the lab's
 * (neighbours in a byte, two's complement). A -8 stays a -8, which all readers of the lab read as such.
 */
function packNibbles(from: Uint8Array, to: Uint8Array, start: number): void {
  for (let i = 0; i < 16; i++) {
    const at = 2 * (i % 8);
    const shift = i < 8 ? 0 : 4;
    const [low, high] = [((from[at] ?? 0) >> shift) & 0xf, ((from[at + 1] ?? 0) >> shift) & 0xf];
    to[start + i] = (low ^ 8) | ((high ^ 8) << 4);
  }
}

const READERS: Readonly<Record<Exclude<GgmlType, 'F32' | 'F16' | 'BF16'>, BlockReader>> = {
  Q8_0: (view, at, floats, to, halves) => {
    const d = half(view, at, halves);
    for (let i = 0; i < 32; i++) floats[to + i] = d * view.getInt8(at + 2 + i);
  },
  Q4_0: (view, at, floats, to, halves) => {
    const d = half(view, at, halves);
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(at + 2 + i);
      floats[to + i] = d * ((byte & 0xf) - 8);
      floats[to + i + 16] = d * ((byte >> 4) - 8);
    }
  },
  Q4_1: (view, at, floats, to, halves) => {
    const [d, m] = [half(view, at, halves), half(view, at + 2, halves)];
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(at + 4 + i);
      floats[to + i] = d * (byte & 0xf) + m;
      floats[to + i + 16] = d * (byte >> 4) + m;
    }
  },
  Q5_0: (view, at, floats, to, halves) => {
    const d = half(view, at, halves);
    const fifths = view.getUint32(at + 2, true);
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(at + 6 + i);
      floats[to + i] = d * (((byte & 0xf) | (((fifths >>> i) & 1) << 4)) - 16);
      floats[to + i + 16] = d * (((byte >> 4) | (((fifths >>> (i + 16)) & 1) << 4)) - 16);
    }
  },
  Q5_1: (view, at, floats, to, halves) => {
    const [d, m] = [half(view, at, halves), half(view, at + 2, halves)];
    const fifths = view.getUint32(at + 4, true);
    for (let i = 0; i < 16; i++) {
      const byte = view.getUint8(at + 8 + i);
      floats[to + i] = d * ((byte & 0xf) | (((fifths >>> i) & 1) << 4)) + m;
      floats[to + i + 16] = d * ((byte >> 4) | (((fifths >>> (i + 16)) & 1) << 4)) + m;
    }
  },
  Q4_K: (view, at, floats, to, halves) => {
    const [d, dmin] = [half(view, at, halves), half(view, at + 2, halves)];
    for (let part = 0; part < 8; part++) {
      const [scale, least] = [d * sixBits(view, at + 4, part), dmin * sixBits(view, at + 4, part + 8)];
      // 32 bytes hold two parts: the first in their lower halves.
      const first = at + 16 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let i = 0; i < 32; i++) {
        floats[to + 32 * part + i] = scale * ((view.getUint8(first + i) >> shift) & 0xf) - least;
      }
    }
  },
  Q5_K: (view, at, floats, to, halves) => {
    const [d, dmin] = [half(view, at, halves), half(view, at + 2, halves)];
    for (let part = 0; part < 8; part++) {
      const [scale, least] = [d * sixBits(view, at + 4, part), dmin * sixBits(view, at + 4, part + 8)];
      const first = at + 48 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let i = 0; i < 32; i++) {
        const fifth = (view.getUint8(at + 16 + i) >> part) & 1; // bit `part` of 32 bytes that all parts share
        floats[to + 32 * part + i] = scale * (((view.getUint8(first + i) >> shift) & 0xf) | (fifth << 4)) - least;
      }
    }
  },
  Q6_K: (view, at, floats, to, halves) => {
    const d = half(view, at + 208, halves);
    for (let part = 0; part < 8; part++) {
      // Each half of the block has 64 bytes of lower bits and 32 bytes of upper bits for four parts of 32 weights.
      const [side, quarter] = [part >> 2, part & 3];
      const low = at + 64 * side + 32 * (quarter & 1);
      const high = at + 128 + 32 * side;
      const lowShift = 4 * (quarter >> 1);
      for (let i = 0; i < 32; i++) {
        const scale = d * view.getInt8(at + 192 + 2 * part + (i >> 4));
        const bits =
          ((view.getUint8(low + i) >> lowShift) & 0xf) | (((view.getUint8(high + i) >> (2 * quarter)) & 3) << 4);
        floats[to + 32 * part + i] = scale * (bits - 32);
      }
    }
  },
};

function half(view: DataView, at: number, halves: Float32Array): number {
  return halves[view.getUint16(at, true)] ?? 0;
}

/**
 * One of 16 numbers of 6 bits in 12 bytes: 0 to 7 are scales, 8 to 15 minima. The first four of each have a byte of
 * their own; the lower bits of the others share the last four bytes, and their upper bits fill up the first eight.
 */
function sixBits(view: DataView, at: number, index: number): number {
  const [isMinimum, i] = [index >> 3, index & 7];
  if (i < 4) return view.getUint8(at + 4 * isMinimum + i) & 63;
  const lower = (view.getUint8(at + 4 + i) >> (4 * isMinimum)) & 0xf;
  return lower | ((view.getUint8(at + 4 * isMinimum + i - 4) >> 6) << 4);
}
