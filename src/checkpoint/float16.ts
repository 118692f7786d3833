/**
 * The two 16-bit floating-point formats that JavaScript has no universally supported arrays for: IEEE 754 half
 * precision (F16: 5 exponent bits, 10 fraction bits) and bfloat16 (BF16: the upper half of a float32). Both are stored
 * as bit patterns in a Uint16Array. Narrowing rounds to nearest, ties to even, and preserves subnormals, infinities and
 * NaN.
 */

/** Bits of the float32 values at which F16 overflows to infinity, and below which it is subnormal. */
const HALF_OVERFLOW = 0x477ff000; // 65520, halfway between 65504 and the unrepresentable 65536
const HALF_SMALLEST_NORMAL = 0x38800000; // 2^-14

const HALF_INFINITY = 0x7c00;
const FLOAT_INFINITY = 0x7f800000;
/** The difference of the exponent biases of float32 (127) and F16 (15). */
const EXPONENT_SHIFT = (127 - 15) << 23;

/** The float32 values of F16 bit patterns; exact. */
export function halvesToFloats(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const floats = new Float32Array(halves.length);
  const bits = bitsOf(floats);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] ?? 0;
    const sign = (half & 0x8000) << 16;
    const magnitude = half & 0x7fff;
    if (magnitude >= HALF_INFINITY) {
      bits[i] = sign | FLOAT_INFINITY | (magnitude << 13);
    } else if (magnitude >= 0x400) {
      // Rebias the exponent from 15 to 127.
      bits[i] = sign | ((magnitude << 13) + EXPONENT_SHIFT);
    } else {
      floats[i] = (sign === 0 ? magnitude : -magnitude) * 2 ** -24;
    }
  }
  return floats;
}

/** The F16 bit patterns nearest to float32 values; values of 65520 and more become infinite. */
export function floatsToHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(floats);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = floatBitsToHalf(bits[i] ?? 0);
  return halves;
}

/** The float32 values of BF16 bit patterns; exact. */
export function bfloatsToFloats(bfloats: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(bfloats.length);
  for (let i = 0; i < bfloats.length; i++) bits[i] = (bfloats[i] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}

/** The BF16 bit patterns nearest to float32 values. */
export function floatsToBfloats(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(floats);
  const bfloats = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) bfloats[i] = floatBitsToBfloat(bits[i] ?? 0);
  return bfloats;
}

function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > FLOAT_INFINITY) return sign | 0x7e00;
  if (magnitude >= HALF_OVERFLOW) return sign | HALF_INFINITY;
  if (magnitude >= HALF_SMALLEST_NORMAL) {
    // Rebias the exponent from 127 to 15 and drop 13 bits. If the fraction overflows in rounding, it carries into the
    // exponent, as it should.
    return sign | roundOff(magnitude - EXPONENT_SHIFT, 13);
  }
  // A subnormal is a multiple of 2^-24: the fraction with its leading one, shifted to that unit.
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return sign;
  return sign | roundOff((magnitude & 0x7fffff) | 0x800000, shift);
}

function floatBitsToBfloat(bits: number): number {
  const isNaN = (bits & 0x7fffffff) > FLOAT_INFINITY;
  // Dropping bits could turn a NaN into an infinity; setting the quiet bit prevents that.
  return isNaN ? (bits >>> 16) | 0x40 : roundOff(bits, 16);
}

// Drops the lowest bits of an unsigned integer, rounding to nearest, ties to even.
function roundOff(bits: number, dropped: number): number {
  const kept = bits >>> dropped;
  const rest = (bits >>> 0) - kept * 2 ** dropped;
  const half = 2 ** (dropped - 1);
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}

function bitsOf(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}
