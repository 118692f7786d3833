/**
 * The committed values of the self-check, recomputed in double precision by code that shares nothing with the model.
 */
import { describe, expect, it } from 'vitest';
import { toHuggingFaceConfig } from '../../../src/config/model-config.ts';
import {
  CHECKED_MODEL,
  checkedDirection,
  checkedExamples,
  checkedWeights,
  DECODER_CHECK,
} from '../../../src/runs/decoder-check.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import { at, tensor64 } from '../../reference/tensor64.ts';
import { lossReference, type ReferenceConfig } from '../../reference/transformer-reference.ts';

const config = toHuggingFaceConfig(CHECKED_MODEL) as unknown as ReferenceConfig;
const weights = new Map([...checkedWeights()].map(([name, { shape, data }]) => [name, tensor64(shape, data)]));
const sequences = checkedExamples().map(({ prompt, completion }) => ({
  tokens: [...prompt, ...completion],
  isCompletion: [...prompt, ...completion].map((_, i) => i >= prompt.length),
}));
const answerOf = (name: string): number => DECODER_CHECK.expected[name] ?? NaN;

describe('the known case', () => {
  it('has the loss of the reference', () => {
    expect(answerOf('loss')).toBeCloseTo(lossReference(config, weights, sequences), 7);
  });

  it.each([...weights.keys()])('has the slope of the reference along %s', (name) => {
    const { shape, data } = at([weights.get(name) ?? tensor64([0])], 0);
    const direction = checkedDirection(name, shape);
    const lossAt = (step: number): number => {
      const moved = { shape, data: data.map((value, i) => value + step * at(direction, i)) };
      return lossReference(config, new Map(weights).set(name, moved), sequences);
    };
    const [slope = NaN] = finiteDifference((steps) => lossAt(at(steps, 0)), [0]);
    expect(answerOf(name)).toBeCloseTo(slope, 8);
  });

  it('covers every weight', () => {
    expect(Object.keys(DECODER_CHECK.expected).toSorted()).toEqual(['loss', ...weights.keys()].toSorted());
  });
});
