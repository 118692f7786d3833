/** Checkpoints of runs: any change to one is noticed, and what does not fit together is named. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { LabError } from '../../../src/common/errors.ts';
import { checkStep, readRunFile, vectorsOfRun, writeRunFile } from '../../../src/runs/run-file.ts';

const WEIGHTS = new Map([
  ['b', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
  ['a', { shape: [1], data: Float32Array.of(5) }],
]);
const moments = (length: number): { step: number; firstMoment: Float32Array; secondMoment: Float32Array } => ({
  step: 1,
  firstMoment: new Float32Array(length).fill(0.5),
  secondMoment: new Float32Array(length),
});
const BYTES = writeRunFile({ step: 3 }, WEIGHTS, moments(5), { demonstration: '{}' });
const VECTORS = Uint8Array.of(1, 2, 3, 4, 5);
const read = (bytes: Uint8Array): unknown => readRunFile(bytes, (metadata) => metadata);

describe('the checkpoint of a run', () => {
  it('is read as it was written, and so is one from before digests', () => {
    expect(read(BYTES)).toMatchObject({ metadata: { step: 3 }, weights: WEIGHTS, moments: { firstMoment: moments(5).firstMoment } }); // prettier-ignore
    const { metadata, tensors } = readSafetensors(BYTES);
    const old = writeSafetensors(tensors.values(), new Map([...metadata].filter(([name]) => name !== 'sha256')));
    expect(read(old)).toEqual(read(BYTES));
  });

  it('with any flipped bit is refused, or says the same', () => {
    const whole = read(BYTES);
    fc.assert(
      fc.property(fc.nat(BYTES.length - 1), fc.nat(7), (at, bit) => {
        const changed = BYTES.with(at, (BYTES[at] ?? 0) ^ (1 << bit));
        let got: unknown;
        try {
          got = read(changed);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LabError);
          return;
        }
        expect(got).toEqual(whole);
      }),
      { numRuns: 500 },
    );
    // Of the data itself every bit counts.
    expect(() => read(BYTES.with(BYTES.length - 1, (BYTES.at(-1) ?? 0) ^ 1))).toThrow(
      /has changed since it was written/u,
    );
  });

  it('has the vectors of its start as they were, and knows a change of them', () => {
    const bytes = writeRunFile({}, WEIGHTS, moments(5), {}, VECTORS);
    expect(readRunFile(bytes, () => null)).toMatchObject({ vectors: VECTORS, weights: WEIGHTS });
    expect(vectorsOfRun(bytes)).toEqual(VECTORS);
    expect(vectorsOfRun(BYTES)).toBeUndefined();
    const at = bytes.findLastIndex((byte, i) => byte === 5 && bytes[i - 1] === 4);
    expect(() => read(bytes.with(at, 6))).toThrow(/has changed since it was written/u);
  });

  it('of a run that has diverged is not written', () => {
    for (const value of [Number.NaN, Infinity]) {
      const weights = new Map(WEIGHTS).set('a', { shape: [1], data: Float32Array.of(value) });
      expect(() => writeRunFile({}, weights, moments(5))).toThrow(/diverged: a holds.*saved before is kept/u);
      const second = { ...moments(5), secondMoment: new Float32Array(5).fill(value) };
      expect(() => writeRunFile({}, WEIGHTS, second)).toThrow(/optimizer\.second_moment/u);
    }
  });

  it('with moments of another length, or past its end, is named as such', () => {
    expect(() => read(writeRunFile({}, WEIGHTS, moments(4)))).toThrow(
      /moments are those of other weights. Expected 5/u,
    );
    expect(() => checkStep(11, 10)).toThrow(/past the end of its run. Expected at most step 10. Got 11/u);
    expect(() => checkStep(10, 10)).not.toThrow();
  });
});
