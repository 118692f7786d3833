import { describe, expect, it } from 'vitest';
import {
  argMaxLabel,
  BINARY_SCALE,
  DEFAULT_SCALE,
  expectedLabel,
  makeScale,
  normalisedRelevance,
} from '../../../../src/relevance/pair/labels.ts';

describe('label scales', () => {
  it('have 2 to 6 labels with one rubric line each', () => {
    expect(DEFAULT_SCALE.size).toBe(4);
    expect(BINARY_SCALE.size).toBe(2);
    expect(makeScale(['no', 'maybe', 'yes']).rubric).toEqual(['no', 'maybe', 'yes']);
    expect(() => makeScale(['only'])).toThrow(/Expected 2 to 6 names/);
    expect(() => makeScale(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toThrow(/Got 7 names/);
    expect(() => makeScale(['no', 'yes'], ['one line'])).toThrow(/1 rubric lines/);
  });
});

describe('serving score', () => {
  it('is the expected label, and its share of R - 1 across scales', () => {
    expect(expectedLabel([0.1, 0.2, 0.3, 0.4])).toBeCloseTo(2, 12);
    expect(normalisedRelevance([0.1, 0.2, 0.3, 0.4])).toBeCloseTo(2 / 3, 12);
    expect(normalisedRelevance([0.25, 0.75])).toBeCloseTo(0.75, 12);
    expect(normalisedRelevance([0, 0, 0, 0, 0, 1])).toBe(1);
  });

  it('takes the lower label on a tie', () => {
    expect(argMaxLabel([0.1, 0.4, 0.4, 0.1])).toBe(1);
    expect(argMaxLabel([0.7, 0.3])).toBe(0);
  });
});
