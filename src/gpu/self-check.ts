/**
 * Whether a backend computes what it should. Browsers, drivers and tfjs kernels have bugs that give wrong numbers
 * without any error (tfjs-wasm's one-hot of floats holds the bits of integers, its WebGPU cumsum has a wrong gradient),
 * and training on wrong numbers looks like training badly. So before a backend is used, it computes a small case whose
 * answer is known in double precision.
 */
import { messageOf } from '../common/errors.ts';

/** A small computation with a known answer. */
export interface KnownCase {
  /** Numbers by name, as computed in double precision. */
  readonly expected: Readonly<Record<string, number>>;
  /** The same numbers, computed on the current backend. */
  readonly compute: () => Promise<Readonly<Record<string, number>>>;
}

/**
 * Float32 through a decoder and back stays well within this; a wrong kernel does not. Relative to the number itself and,
 * for numbers near 0, to the largest one.
 */
const RELATIVE_TOLERANCE = 1e-3;
const TOLERANCE_OF_LARGEST = 1e-5;

/**
 * Compares the current backend with a known case.
 *
 * @returns what is wrong in one clause, or undefined if nothing is
 */
export async function findDisagreement({ expected, compute }: KnownCase): Promise<string | undefined> {
  let got: Readonly<Record<string, number>>;
  try {
    got = await compute();
  } catch (error) {
    return `it fails in a known case: ${messageOf(error)}`;
  }
  const largest = Math.max(...Object.values(expected).map(Math.abs));
  for (const [name, value] of Object.entries(expected)) {
    const computed = got[name] ?? NaN;
    const tolerance = RELATIVE_TOLERANCE * Math.abs(value) + TOLERANCE_OF_LARGEST * largest;
    // Written so that NaN disagrees.
    if (!(Math.abs(computed - value) <= tolerance)) {
      return `it computes a known case wrong: ${name} should be ${value.toPrecision(5)} and is ${computed.toPrecision(5)}`;
    }
  }
  return undefined;
}
