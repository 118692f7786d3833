/**
 * A fingerprint of weights, which shows whether two runs ended in the same bits. It is not a cryptographic hash: it
 * distinguishes runs, but does not protect against forgery.
 */
import { LabError } from '../common/errors.ts';
import type { TensorData } from '../model/weights.ts';

/** 16 hexadecimal digits over the names, sizes and bits of all tensors, in the order of their names. */
export function hashWeights(weights: ReadonlyMap<string, TensorData>): string {
  const lanes = new Uint32Array([0x811c9dc5, 0x9e3779b9]);
  for (const [name, { data }] of [...weights].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const character of name) mix(lanes, character.codePointAt(0) ?? 0);
    mix(lanes, data.length);
    for (const word of new Uint32Array(data.buffer, data.byteOffset, data.length)) mix(lanes, word);
  }
  return [...lanes].map((lane) => lane.toString(16).padStart(8, '0')).join('');
}

/**
 * Checks that a run has the model that it was recorded with.
 *
 * @param expected - as recorded; null where any will do
 * @param what - such as `start`
 * @throws {LabError} `bad-config`
 */
export function checkWeightsHash(what: string, expected: string | null, got: string): void {
  if (expected === null || expected === got) return;
  throw new LabError('bad-config', {
    message: `The ${what} of this run is another model than the one that is recorded with it.`,
    expected: `weights ${expected}`,
    got: `weights ${got}`,
    fix: `Begin a new run from the ${what} that is here, or make the run where the recorded one is.`,
  });
}

// Two lanes of MurmurHash3's mixing step with different constants.
function mix(lanes: Uint32Array, word: number): void {
  const [a = 0, b = 0] = lanes;
  lanes[0] = Math.imul(rotate(a ^ Math.imul(word, 0xcc9e2d51), 15), 0x1b873593) + 0xe6546b64;
  lanes[1] = Math.imul(rotate(b ^ Math.imul(word, 0x85ebca6b), 13), 0xc2b2ae35) + 0x52dce729;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
