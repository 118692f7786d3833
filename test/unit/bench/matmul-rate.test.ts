import { describe, expect, it } from 'vitest';
import { idealMs, type ProductRate } from '../../bench/matmul-rate.ts';
import { makeWork, productFlops, stepFlops, stepProducts } from '../../bench/work.ts';

/** @param leastMs - of each maker; processor time is twice as much */
function rate(times: number, leastMs: Readonly<Record<string, number>>): ProductRate {
  const least = Object.fromEntries(Object.entries(leastMs).map(([maker, ms]) => [maker, { ms, cpuMs: 2 * ms }]));
  const product = { batch: 1, rows: 1, inner: 1, columns: 1, times };
  return { product, least, bestMs: NaN, by: '', gigaflopsPerSec: NaN };
}

describe('the products of a step at their fastest', () => {
  const rates = [rate(3, { ours: 2, tfjs: 5, jaxjs: 1 }), rate(2, { tfjs: 7, jaxjs: 9 }), rate(1, { ours: 4 })];

  it('take each product by its fastest maker, as often as a step needs it', () => {
    expect(idealMs(rates)).toBe(3 * 1 + 2 * 7 + 4);
  });

  it('can be told of some makers alone, and in processor time', () => {
    expect(idealMs(rates, ['ours', 'tfjs'])).toBe(3 * 2 + 2 * 7 + 4);
    expect(idealMs(rates, ['ours', 'tfjs'], 'cpuMs')).toBe(2 * (3 * 2 + 2 * 7 + 4));
  });

  it('cannot be told of makers who lack one', () => {
    expect(idealMs(rates, ['ours'])).toBe(Infinity);
  });
});

describe('the operations of a step', () => {
  it('are six for each weight of a matrix and token, and attention', () => {
    const [C, F, V, N] = [8, 16, 32, 2 * 4];
    const work = makeWork({ shape: `L=1,C=${C},H=2,F=${F},V=${V},B=2,T=4` });
    const matrices = 6 * N * (4 * C * C + 3 * C * F + V * C);
    const attention = 6 * 2 * (2 * 2) * 4 * 4 * 4; // six products of 2 T T D, for each of B H heads
    expect(stepFlops(work)).toBe(matrices + attention);
    expect(stepFlops(work)).toBe(stepProducts(work).reduce((sum, product) => sum + productFlops(product), 0));
  });
});
