/** The WebAssembly kernels against float64, and against the composites of tfjs's ops, at sizes that no block divides. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { hasWasmKernels, pauseWasmKernels } from '../../../src/gpu/wasm-calls.ts';
import { placeKeys } from '../../../src/kernels/cached-attention.ts';
import { keepPlaces } from '../../../src/kernels/keep-places.ts';
import { gatedMatmulKernel, matmulKernel } from '../../../src/kernels/matmul.ts';
import { scatterRows } from '../../../src/kernels/scatter-rows.ts';
import { causalAttention, spanVisibility } from '../../../src/ops/attention.ts';
import { rmsNorm } from '../../../src/ops/rms-norm.ts';
import { rope, ropeTables } from '../../../src/ops/rope.ts';
import { swiGlu } from '../../../src/ops/swiglu.ts';
import { tokenScores } from '../../../src/ops/token-scores.ts';
import { useBackend } from '../../reference/backends.ts';

const RUNS = 40;

function normals(rng: Rng, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => rng.normal());
}

/** The same computation by composites. */
function byComposites<T>(compute: () => T): T {
  const resume = pauseWasmKernels();
  try {
    return compute();
  } finally {
    resume();
  }
}

/** Expects numbers equal up to float32 rounding, relative to the largest. */
function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 2e-5): void {
  expect(got.length).toBe(expected.length);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const worst = Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] ?? NaN))), 0);
  expect(worst).toBeLessThan(tolerance * largest);
}

beforeAll(() => useBackend('wasm'));

describe('a product', () => {
  const sizes = fc.record({
    M: fc.integer({ min: 1, max: 41 }),
    N: fc.integer({ min: 1, max: 75 }),
    K: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 250, max: 530 })),
    seed: fc.integer(),
    arrangement: fc.constantFrom('nn', 'nt', 'tn'),
  });

  it('is that of float64, with bias, residual and gate', () => {
    fc.assert(
      fc.property(sizes, ({ M, N, K, seed, arrangement }) => {
        const rng = new Rng(seed);
        const [a, b, bias, residual] = [M * K, K * N, N, M * N].map((count) => normals(rng, count)) as [
          Float32Array,
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        const at = (m: number, n: number): number => {
          let sum = 0;
          for (let k = 0; k < K; k++) {
            const left = a[arrangement === 'tn' ? k * M + m : m * K + k] ?? NaN;
            sum += left * (b[arrangement === 'nt' ? n * K + k : k * N + n] ?? NaN);
          }
          return sum;
        };
        tf.tidy(() => {
          const left = tf.tensor2d(a, arrangement === 'tn' ? [K, M] : [M, K]);
          const right = tf.tensor2d(b, arrangement === 'nt' ? [N, K] : [K, N]);
          const added = { bias: tf.tensor1d(bias), residual: tf.tensor2d(residual, [M, N]) };
          const whole = matmulKernel(left, right, arrangement, added).dataSync();
          const { up, gated } = gatedMatmulKernel(left, right, arrangement, added.residual);
          const products = Array.from({ length: M * N }, (_, i) => at(Math.floor(i / N), i % N));
          expectClose(up.dataSync(), products);
          expectClose(
            whole,
            products.map((product, i) => product + (bias[i % N] ?? NaN) + (residual[i] ?? NaN)),
          );
          expectClose(
            gated.dataSync(),
            products.map((product, i) => {
              const gate = residual[i] ?? NaN;
              return (product * gate) / (1 + Math.exp(-gate));
            }),
          );
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('has rows whose bits do not depend on the other rows', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 40 }), ({ M, N, K, seed }, place) => {
        const rng = new Rng(seed);
        const row = place % M;
        tf.tidy(() => {
          const a = tf.tensor2d(normals(rng, M * K), [M, K]);
          const b = tf.tensor2d(normals(rng, N * K), [N, K]);
          const alone = matmulKernel(tf.slice(a, [row, 0], [1, K]), b, 'nt').dataSync();
          expect(tf.slice(matmulKernel(a, b, 'nt'), [row, 0], [1, N]).dataSync()).toEqual(alone);
        });
      }),
      { numRuns: RUNS },
    );
  });
});

describe('an op by kernels is that by composites, forward and backward:', () => {
  /** Value and gradients of a weighted sum of an op's outputs. */
  function valueAndGradients(inputs: tf.Tensor[], op: (...inputs: tf.Tensor[]) => tf.Tensor): number[][] {
    return tf.tidy(() => {
      const value = op(...inputs);
      const weights = tf.tensor(normals(new Rng('weights'), value.size), value.shape);
      const gradients = tf.grads((...args: tf.Tensor[]) => tf.sum(tf.mul(op(...args), weights)))(inputs);
      return [value, ...gradients].map((tensor) => Array.from(tensor.dataSync()));
    });
  }

  function expectSame(inputs: tf.Tensor[], op: (...inputs: tf.Tensor[]) => tf.Tensor): void {
    expect(hasWasmKernels()).toBe(true);
    const got = valueAndGradients(inputs, op);
    const expected = byComposites(() => valueAndGradients(inputs, op));
    for (const [i, values] of expected.entries()) expectClose(got[i] ?? [], values);
    tf.dispose(inputs);
  }

  const seeds = fc.integer();
  const small = fc.integer({ min: 1, max: 9 });

  it('attention, over whole sequences and packed rows', () => {
    const cases = fc.record({
      seed: seeds,
      B: fc.integer({ min: 1, max: 2 }),
      T: fc.integer({ min: 1, max: 75 }),
      K: fc.integer({ min: 1, max: 2 }),
      group: fc.integer({ min: 1, max: 3 }),
      D: fc.integer({ min: 1, max: 21 }),
      parts: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(cases, ({ seed, B, T, K, group, D, parts }) => {
        const rng = new Rng(seed);
        const of = (heads: number): tf.Tensor => tf.tensor(normals(rng, B * T * heads * D), [B, T, heads, D]);
        // A beginning that all parts share, then parts that see it and themselves.
        const shared = rng.int(T + 1);
        const length = Math.max(1, Math.ceil((T - shared) / Math.max(1, parts)));
        const spans = Int32Array.from({ length: 2 * B * T }, (_, i) => {
          const t = Math.floor(i / 2) % T;
          if (t < shared) return 0;
          return i % 2 === 0 ? shared : shared + length * Math.floor((t - shared) / length);
        });
        expectSame([of(K * group), of(K), of(K)], (q, k, v) => {
          const visibility = parts === 0 ? undefined : spanVisibility(spans, B, T);
          return causalAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, visibility);
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('rotation, with and without a normalisation', () => {
    fc.assert(
      fc.property(seeds, small, small, small, fc.boolean(), (seed, T, H, half, isNormed) => {
        const rng = new Rng(seed);
        const D = 2 * half;
        const x = tf.tensor(normals(rng, 2 * T * H * D), [2, T, H, D]);
        const gain = tf.tensor(normals(rng, D), [D]);
        expectSame(isNormed ? [x, gain] : [x], (heads, ofNorm) => {
          const norm = ofNorm === undefined ? undefined : { gain: ofNorm as tf.Tensor1D, eps: 1e-6 };
          return rope(heads as tf.Tensor4D, ropeTables(3, T, D, 10_000), norm);
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('normalisation and gate, over more rows than are summed at once', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 23 }), (seed, N, C) => {
        const rng = new Rng(seed);
        const [x, up] = [normals(rng, N * C), normals(rng, N * C)].map((data) => tf.tensor(data, [N, C])) as [
          tf.Tensor,
          tf.Tensor,
        ];
        expectSame([x, up, tf.tensor(normals(rng, C), [C])], (gate, other, gain) =>
          swiGlu(rmsNorm(gate as tf.Tensor2D, gain as tf.Tensor1D, 1e-6), other as tf.Tensor2D),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('scores of tokens, also of logits far apart', () => {
    fc.assert(
      fc.property(seeds, small, fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 30), (seed, N, V, spread) => {
        const rng = new Rng(seed);
        const logits = tf.tensor(
          normals(rng, N * V).map((value) => spread * value),
          [N, V],
        );
        const targets = Int32Array.from({ length: N }, () => rng.int(V));
        expectSame([logits], (z) => {
          const { logProbs, entropies } = tokenScores(z as tf.Tensor2D, targets);
          return tf.concat([logProbs, entropies()]);
        });
      }),
      { numRuns: RUNS },
    );
  });
});

describe('an index outside its range', () => {
  const logits = (): tf.Tensor2D => tf.ones([2, 5]);

  it.each([
    ['a target', () => tokenScores(logits(), Int32Array.of(1, 5))],
    ['a negative target', () => tokenScores(logits(), Int32Array.of(1, -1))],
    ['a row to add to', () => scatterRows(logits(), Int32Array.of(0, 3), 3)],
    ['a place', () => keepPlaces(logits(), tf.tensor1d([10], 'int32'), logits())],
    ['a slot', () => placeSecondToken()],
  ])('%s never writes into another tensor: the kernel stops', (_, run) => {
    expect(() =>
      tf.tidy(() => {
        run();
        return [];
      }),
    ).toThrow(/unreachable/);
  });

  /** One slot, which is taken. */
  function placeSecondToken(): void {
    const one = (): tf.Tensor4D => tf.ones([1, 1, 1, 2]);
    const [cos, sin] = [tf.ones([1, 1, 2]), tf.ones([1, 1, 2])];
    placeKeys({ k: one(), v: one() }, { keys: one(), values: one() }, { lengths: tf.tensor1d([1], 'int32'), cos, sin });
  }
});
