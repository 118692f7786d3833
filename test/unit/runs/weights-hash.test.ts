import { describe, expect, it } from 'vitest';
import { hashWeights } from '../../../src/runs/weights-hash.ts';
import type { TensorData } from '../../../src/model/weights.ts';

const tensor = (...values: number[]): TensorData => ({ shape: [values.length], data: Float32Array.from(values) });
const WEIGHTS = new Map([
  ['a', tensor(1, 2, 3)],
  ['b', tensor(0, -1)],
]);

describe('the hash of weights', () => {
  it('is the same for the same bits, in any order and buffer', () => {
    const view = new Float32Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const same = new Map([
      ['b', tensor(0, -1)],
      ['a', { shape: [3], data: view }],
    ]);
    expect(hashWeights(same)).toBe(hashWeights(WEIGHTS));
    expect(hashWeights(WEIGHTS)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    [
      'the last bit of one number',
      new Map([
        ['a', tensor(1, 2, 3 + 2 ** -22)],
        ['b', tensor(0, -1)],
      ]),
    ],
    [
      'the sign of zero',
      new Map([
        ['a', tensor(1, 2, 3)],
        ['b', tensor(-0, -1)],
      ]),
    ],
    [
      'the order of numbers',
      new Map([
        ['a', tensor(2, 1, 3)],
        ['b', tensor(0, -1)],
      ]),
    ],
    [
      'a name',
      new Map([
        ['a', tensor(1, 2, 3)],
        ['c', tensor(0, -1)],
      ]),
    ],
    [
      'where one tensor ends',
      new Map([
        ['a', tensor(1, 2)],
        ['b', tensor(3, 0, -1)],
      ]),
    ],
    ['a tensor more', new Map([...WEIGHTS, ['c', tensor()]])],
  ])('detects %s', (_, other) => {
    expect(hashWeights(other)).not.toBe(hashWeights(WEIGHTS));
  });
});
