/**
 * The references of single operations against closed forms, invariants and finite differences.
 */
import { describe, expect, it } from 'vitest';
import { attentionReference } from '../../reference/attention-reference.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import { embeddingReference, linearReference } from '../../reference/linear-reference.ts';
import { randomTensor64 } from '../../reference/random-tensor64.ts';
import { rmsNormReference } from '../../reference/rms-norm-reference.ts';
import { ropeReference } from '../../reference/rope-reference.ts';
import {
  crossEntropyReference,
  logSoftmaxReference,
  softmaxReference,
  softmaxRow,
} from '../../reference/softmax-reference.ts';
import { swiGluReference } from '../../reference/swiglu-reference.ts';
import { at, dot, rowsOf, tensor64 } from '../../reference/tensor64.ts';

const EXACT = { absolute: 1e-12 };

describe('linearReference', () => {
  it('multiplies by the transposed weight and adds the bias', () => {
    const y = linearReference(
      tensor64([2, 3], [1, 2, 3, 4, 5, 6]),
      tensor64([2, 3], [1, 0, -1, 2, 1, 0]),
      tensor64([2], [10, 20]),
    );
    expect(y.shape).toEqual([2, 2]);
    expect([...y.data]).toEqual([8, 24, 8, 33]);
  });

  it('refuses rows of another width', () => {
    expect(() => linearReference(tensor64([1, 2], [1, 2]), tensor64([1, 3], [1, 2, 3]))).toThrow(/rows of 2 and 3/);
  });
});

describe('embeddingReference', () => {
  it('takes rows by id and refuses ids outside the table', () => {
    const table = tensor64([3, 2], [0, 1, 2, 3, 4, 5]);
    expect([...embeddingReference(table, [2, 0, 2]).data]).toEqual([4, 5, 0, 1, 4, 5]);
    expect(() => embeddingReference(table, [3])).toThrow(/index 3 of 3/);
  });
});

describe('rmsNormReference', () => {
  it('gives rows of unit mean square before the weight', () => {
    const ones = tensor64([7], Array<number>(7).fill(1));
    const y = rmsNormReference(randomTensor64([5, 7], 'x'), ones, 0);
    for (const row of rowsOf(y)) expectClose([dot(row, row) / 7], [1], EXACT);
  });

  it('matches a case worked by hand', () => {
    // mean square of (3, 4) is 12.5; with eps 12.5 the root is 5.
    expectClose(rmsNormReference(tensor64([1, 2], [3, 4]), tensor64([2], [1, 10]), 12.5).data, [0.6, 8], EXACT);
  });
});

describe('ropeReference', () => {
  it('rotates dimension i together with dimension i + D/2', () => {
    const [p, theta] = [3, 100];
    const y = ropeReference(tensor64([1, 4], [1, 2, 0, 0]), [p], theta);
    // Angles 3 * 100^0 and 3 * 100^(-1/2).
    expectClose(y.data, [Math.cos(3), 2 * Math.cos(0.3), Math.sin(3), 2 * Math.sin(0.3)], EXACT);
  });

  it('makes products depend on the distance of positions only', () => {
    const [q, k] = [randomTensor64([1, 8], 'q'), randomTensor64([1, 8], 'k')];
    const product = (m: number, n: number) => dot(ropeReference(q, [m], 10000).data, ropeReference(k, [n], 10000).data);
    expectClose([product(5, 2), product(105, 102)], [product(3, 0), product(3, 0)], EXACT);
    expect(Math.abs(product(5, 2) - product(5, 3))).toBeGreaterThan(1e-3);
  });

  it('counts positions along T in every head', () => {
    const x = randomTensor64([1, 2, 3, 4], 'x');
    const secondHead = ropeReference(tensor64([1, 3, 4], x.data.subarray(12)), [0, 1, 2], 50);
    expectClose(ropeReference(x, [0, 1, 2], 50).data.subarray(12), secondHead.data, EXACT);
  });
});

describe('softmax references', () => {
  it('agree with each other and survive logits of any size', () => {
    const logits = tensor64([2, 3], [1000, 1001, 999, -1000, -1000, -1002]);
    const probabilities = softmaxReference(logits);
    expectClose(probabilities.data, logSoftmaxReference(logits).data.map(Math.exp), EXACT);
    for (const row of rowsOf(probabilities)) expectClose([row.reduce((a, b) => a + b)], [1], EXACT);
  });

  it('give nothing to a row in which nothing may be chosen', () => {
    expect([...softmaxRow([-Infinity, -Infinity])]).toEqual([0, 0]);
  });
});

describe('crossEntropyReference', () => {
  it('is log V for uniform logits', () => {
    expectClose([crossEntropyReference(tensor64([2, 5]), [0, 4])], [Math.log(5)], EXACT);
  });

  it('is a mean over weighted rows only, and 0 without any', () => {
    const logits = randomTensor64([3, 4], 'logits');
    const second = crossEntropyReference(tensor64([1, 4], logits.data.subarray(4, 8)), [2]);
    expectClose([crossEntropyReference(logits, [0, 2, 1], [0, 2, 0])], [second], EXACT);
    expect(crossEntropyReference(logits, [0, 0, 0], [0, 0, 0])).toBe(0);
  });

  it('has the gradient (softmax - one-hot) / N', () => {
    const logits = randomTensor64([3, 4], 'logits');
    const targets = [3, 0, 2];
    const got = finiteDifference((data) => crossEntropyReference({ shape: [3, 4], data }, targets), logits.data);
    const expected = softmaxReference(logits).data.map(
      (p, i) => (p - (i % 4 === at(targets, Math.floor(i / 4)) ? 1 : 0)) / 3,
    );
    expectClose(got, expected, { absolute: 1e-9 });
  });
});

describe('swiGluReference', () => {
  it('has the gradient of silu(g) * u', () => {
    const [gate, up] = [randomTensor64([6], 'gate'), randomTensor64([6], 'up')];
    const sumFor = (data: Float64Array) => swiGluReference({ shape: [6], data }, up).data.reduce((a, b) => a + b);
    const expected = gate.data.map((g, i) => {
      const sigmoid = 1 / (1 + Math.exp(-g));
      return at(up.data, i) * sigmoid * (1 + g * (1 - sigmoid));
    });
    expectClose(finiteDifference(sumFor, gate.data), expected, { absolute: 1e-9 });
  });
});

describe('attentionReference', () => {
  const [B, H, K, T, D] = [2, 4, 2, 5, 3];
  const q = randomTensor64([B, H, T, D], 'q');
  const k = randomTensor64([B, K, T, D], 'k');
  const v = randomTensor64([B, K, T, D], 'v');
  const headOf = (x: typeof q, b: number, h: number) => {
    const [, heads = 0, rows = 0, width = 0] = x.shape;
    return x.data.subarray((b * heads + h) * rows * width, (b * heads + h + 1) * rows * width);
  };

  it('copies the only value the first query may see, from its own kv-head', () => {
    const y = attentionReference(q, k, v);
    for (let h = 0; h < H; h++) {
      expectClose(headOf(y, 1, h).subarray(0, D), headOf(v, 1, h < 2 ? 0 : 1).subarray(0, D), EXACT);
    }
  });

  it('averages visible values for equal scores', () => {
    const y = attentionReference(
      tensor64([1, 1, 2, 1], [0, 0]),
      tensor64([1, 1, 2, 1], [7, 9]),
      tensor64([1, 1, 2, 1], [4, 8]),
    );
    expectClose(y.data, [4, 6], EXACT);
    const open = attentionReference(
      tensor64([1, 1, 2, 1], [0, 0]),
      tensor64([1, 1, 2, 1], [7, 9]),
      tensor64([1, 1, 2, 1], [4, 8]),
      { causal: false },
    );
    expectClose(open.data, [6, 6], EXACT);
  });

  it('scales scores by 1 / sqrt(D)', () => {
    // Scores 0 and 2 ln 3 / sqrt(4) = ln 3: weights 1/4 and 3/4.
    const keys = tensor64([1, 1, 2, 4], [0, 0, 0, 0, 2 * Math.log(3), 0, 0, 0]);
    const values = tensor64([1, 1, 2, 4], [0, 0, 0, 0, 4, 0, 0, 0]);
    expectClose(attentionReference(tensor64([1, 1, 1, 4], [1, 0, 0, 0]), keys, values).data, [3, 0, 0, 0], EXACT);
  });

  it('treats fewer queries than keys as the last positions', () => {
    const lastTwo = tensor64(
      [B, H, 2, D],
      [0, 1].flatMap((b) => [0, 1, 2, 3].flatMap((h) => Array.from(headOf(q, b, h).subarray(3 * D)))),
    );
    const y = attentionReference(lastTwo, k, v);
    const full = attentionReference(q, k, v);
    expectClose(headOf(y, 1, 2), headOf(full, 1, 2).subarray(3 * D), EXACT);
  });

  it('ignores padding as if it were not there, and gives zeros where nothing is left', () => {
    const keyIsReal = [
      [false, true, true, true, true],
      [true, true, true, true, true],
    ];
    const y = attentionReference(q, k, v, { keyIsReal });
    expect([...headOf(y, 0, 3).subarray(0, D)]).toEqual([0, 0, 0]);
    expectClose(headOf(y, 0, 3).subarray(D, 2 * D), headOf(v, 0, 1).subarray(D, 2 * D), EXACT);
    expectClose(headOf(y, 1, 0), headOf(attentionReference(q, k, v), 1, 0), EXACT);
  });

  it('keeps packed sequences apart', () => {
    const packed = attentionReference(q, k, v, {
      segments: [
        [0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0],
      ],
    });
    const cut = (x: typeof q, heads: number) =>
      tensor64(
        [1, heads, 3, D],
        Array.from({ length: heads }, (_, h) => Array.from(headOf(x, 0, h).subarray(2 * D))).flat(),
      );
    const alone = attentionReference(cut(q, H), cut(k, K), cut(v, K));
    for (let h = 0; h < H; h++) expectClose(headOf(packed, 0, h).subarray(2 * D), headOf(alone, 0, h), EXACT);
  });
});
