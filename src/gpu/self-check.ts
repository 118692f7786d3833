/**
 * Checks that a backend computes correctly. Browsers, drivers and tfjs kernels have bugs that give wrong numbers
 * without any error (tfjs-wasm's one-hot of floats has the bits of integers, its WebGPU cumsum has a wrong gradient),
 * and training on wrong numbers looks like training badly. So before a backend is used, it computes a small case whose
 * result is known in double precision.
 */
import { messageOf } from '../common/errors.ts';

/** A small computation with a known result. */
export interface KnownCase {
  /** The expected numbers by name, computed in double precision. */
  readonly expected: Readonly<Record<string, number>>;
  /** The same numbers, computed on the current backend. */
  readonly compute: () => Promise<Readonly<Record<string, number>>>;
}

/**
 * Float32 stays well within this through a decoder and back; a wrong kernel does not. The tolerance is relative to the
 * number itself, or to the largest number for numbers near 0.
 */
const RELATIVE_TOLERANCE = 1e-3;
const TOLERANCE_OF_LARGEST = 1e-5;

/**
 * Compares the current backend with a known case.
 *
 * @returns one clause about the wrong result, or undefined if there is none
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
