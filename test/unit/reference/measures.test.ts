/**
 * The measures that every other test leans on: differences, comparison and the fixtures' reader.
 */
import { describe, expect, it } from 'vitest';
import { expectClose, maxError } from '../../reference/expect-close.ts';
import { readF32Safetensors } from '../../reference/f32-safetensors.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import { at, rowsOf, tensor64 } from '../../reference/tensor64.ts';
import { readBytes } from '../../reference/torch-fixture.ts';

describe('finiteDifference', () => {
  it('differentiates a smooth function and restores its argument', () => {
    const x = Float64Array.of(0.5, -2);
    const got = finiteDifference(([a = NaN, b = NaN]) => Math.sin(a) * b ** 3, x);
    expectClose(got, [Math.cos(0.5) * -8, Math.sin(0.5) * 12], { absolute: 1e-8 });
    expect([...x]).toEqual([0.5, -2]);
  });

  it('marks what it did not compute', () => {
    const got = finiteDifference(([a = NaN, b = NaN]) => a + 2 * b, [1, 1], 1e-5, [1]);
    expect(at(got, 0)).toBeNaN();
    expectClose([at(got, 1)], [2], { absolute: 1e-9 });
  });
});

describe('expectClose', () => {
  it('passes within the tolerance and names the worst place outside it', () => {
    expectClose([1, 2.01], [1, 2], { absolute: 0, relative: 0.01 });
    expect(() => expectClose([1, 2.1, 3], [1, 2, 3], { absolute: 0.05 }, 'logits')).toThrow(
      /logits: index 1.*2\.00 times/,
    );
  });

  it('fails on values that are not finite and on arrays of different length', () => {
    expect(() => expectClose([NaN], [1], { absolute: 9 })).toThrow(/index 0/);
    expect(() => expectClose([Infinity], [1], { absolute: 9 })).toThrow(/index 0/);
    expect(() => expectClose([1, 2], [1], { absolute: 9 })).toThrow(/number of values/);
    expect(() => expectClose([0, 1e-9], [0, 0], { absolute: 0 })).toThrow(/index 1/);
  });

  it('agrees with maxError', () => {
    expect(maxError([1, 5], [1, 3])).toBe(2);
    expect(maxError([NaN], [1])).toBeNaN();
  });
});

describe('tensor64', () => {
  it('refuses values that do not fill the shape, and indices outside', () => {
    expect(() => tensor64([2, 2], [1, 2, 3])).toThrow(/4 values for \[2, 2\].*Got 3/);
    expect(() => at([1], 1)).toThrow(/index 1 of 1/);
  });

  it('gives rows as views', () => {
    const x = tensor64([2, 1, 2], [1, 2, 3, 4]);
    at(rowsOf(x), 1)[0] = 9;
    expect([...x.data]).toEqual([1, 2, 9, 4]);
  });
});

describe('readF32Safetensors', () => {
  it('reads shapes and values of a file written by the safetensors library', () => {
    const tensors = readF32Safetensors(readBytes('qwen3-tiny/model.safetensors'));
    expect(tensors.get('model.embed_tokens.weight')?.shape).toEqual([40, 16]);
    expect(tensors.get('model.layers.1.self_attn.q_proj.weight')?.shape).toEqual([32, 16]);
    expect(
      [...tensors.values()].every(({ data }) => data.every((value) => Number.isFinite(value) && value !== 0)),
    ).toBe(true);
  });
});
