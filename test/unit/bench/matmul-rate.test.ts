import { describe, expect, it } from 'vitest';
import { idealMs, type ProductRate } from '../../bench/matmul-rate.ts';
import { makeWork, productFlops, stepFlops, stepProducts } from '../../bench/work.ts';

/** @param minMs - by implementation; the CPU time is twice as long */
function rate(times: number, minMs: Readonly<Record<string, number>>): ProductRate {
  const fastest = Object.fromEntries(Object.entries(minMs).map(([name, ms]) => [name, { ms, cpuMs: 2 * ms }]));
  const product = { batch: 1, rows: 1, inner: 1, columns: 1, times };
  return { product, fastest, bestMs: NaN, by: '', gigaflopsPerSec: NaN };
}

describe('the fastest products of a step', () => {
  const rates = [rate(3, { ours: 2, tfjs: 5, jaxjs: 1 }), rate(2, { tfjs: 7, jaxjs: 9 }), rate(1, { ours: 4 })];

  it('use the fastest implementation of each product, times its count per step', () => {
    expect(idealMs(rates)).toBe(3 * 1 + 2 * 7 + 4);
  });

  it('can be computed for some implementations and in CPU time', () => {
    expect(idealMs(rates, ['ours', 'tfjs'])).toBe(3 * 2 + 2 * 7 + 4);
    expect(idealMs(rates, ['ours', 'tfjs'], 'cpuMs')).toBe(2 * (3 * 2 + 2 * 7 + 4));
  });

  it('are infinite for implementations that lack a product', () => {
    expect(idealMs(rates, ['ours'])).toBe(Infinity);
  });
});

describe('the operations of a step', () => {
  it('are six per matrix weight and token, plus attention', () => {
    const [C, F, V, N] = [8, 16, 32, 2 * 4];
    const work = makeWork({ shape: `L=1,C=${C},H=2,F=${F},V=${V},B=2,T=4` });
    const matrices = 6 * N * (4 * C * C + 3 * C * F + V * C);
    const attention = 6 * 2 * (2 * 2) * 4 * 4 * 4; // six products of 2 T T D, for each of B H heads
    expect(stepFlops(work)).toBe(matrices + attention);
    expect(stepFlops(work)).toBe(stepProducts(work).reduce((sum, product) => sum + productFlops(product), 0));
  });
});
