import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PassLimits, planPasses, type PromptPass } from '../../../src/infer/shared-prompts.ts';
import { at } from '../../reference/tensor64.ts';

const SPARSE: PassLimits = { tokensPerPass: 4096, isSparse: true, maxPositions: 512 };
const DENSE: PassLimits = { ...SPARSE, isSparse: false };

/** What the token in row n of a batch sees, in the order of positions. */
function seenFrom({ batch: { T, ids, layout } }: PromptPass, n: number): number[] {
  const first = n - (n % T);
  const [sharedEnd = 0, ownStart = 0] = layout?.spans.subarray(2 * n, 2 * n + 2) ?? [];
  const seen = Array.from({ length: T }, (_, s) => s).filter((s) => s < sharedEnd || (ownStart <= s && s <= n - first));
  if (layout !== undefined) {
    expect(seen.map((s) => layout.positions[first + s])).toEqual(seen.map((_, position) => position));
  }
  return seen.map((s) => at([...ids], first + s));
}

function tokensOf(passes: readonly PromptPass[]): number {
  return passes.reduce((sum, { batch }) => sum + batch.B * batch.T, 0);
}

/**
 * So many documents of `length` tokens behind a query of `shared`, all documents different from their first token on.
 */
function documentsOf(query: number, shared: number, count: number, length: number): Int32Array[] {
  return Array.from({ length: count }, (_, i) =>
    Int32Array.from({ length: shared + length }, (_, t) => (t < shared ? 1000 * query + t : 100 * (i + 1) + t)),
  );
}

describe('passes over prompts', () => {
  it('hold every prompt once, its last token seeing all of it and nothing else', () => {
    const ids = fc.array(fc.nat(2), { minLength: 1, maxLength: 12 });
    const prompts = fc
      .array(fc.record({ query: ids, documents: fc.array(ids, { minLength: 1, maxLength: 5 }) }), { maxLength: 4 })
      .map((queries) =>
        queries.flatMap(({ query, documents }) => documents.map((rest) => Int32Array.from([...query, ...rest]))),
      );
    fc.assert(
      fc.property(prompts, fc.integer({ min: 1, max: 90 }), fc.boolean(), (given, tokensPerPass, isSparse) => {
        const passes = planPasses(given, { ...SPARSE, tokensPerPass, isSparse });
        expect(passes.flatMap((pass) => pass.prompts).toSorted((a, b) => a - b)).toEqual(given.map((_, i) => i));
        for (const pass of passes) {
          expect(pass.lastRows.length).toBe(pass.prompts.length);
          expect(new Set(pass.lastRows).size).toBe(pass.lastRows.length);
          for (const [m, index] of pass.prompts.entries()) {
            expect(seenFrom(pass, at([...pass.lastRows], m))).toEqual([...at(given, index)]);
          }
        }
      }),
    );
  });

  it('read what the documents of a query share once where long rows cost no more', () => {
    const prompts = [1, 2].flatMap((query) => documentsOf(query, 64, 8, 32));
    const mixed = prompts.map((_, i) => at(prompts, (i * 7) % prompts.length));
    expect(tokensOf(planPasses(mixed, SPARSE))).toBe(2 * (64 + 8 * 32));
  });

  it('keep rows short where all of T x T is computed, and still share', () => {
    const passes = planPasses(documentsOf(1, 64, 12, 64), DENSE);
    for (const { batch } of passes) expect(batch.T).toBe(256); // three documents behind their query
    expect(tokensOf(passes)).toBe(4 * 256);
  });

  it('leave prompts alone that share next to nothing, where rows are dear', () => {
    const passes = planPasses(
      [1, 2, 3].flatMap((query) => documentsOf(query, 1, 1, 60)),
      DENSE,
    );
    expect(passes.map(({ batch: { B, T, layout } }) => [B, T, layout])).toEqual([[3, 64, undefined]]);
  });

  it('pad no prompt past the positions of the model, and no pass past its tokens', () => {
    const [alone] = planPasses([new Int32Array(30)], { ...DENSE, maxPositions: 30 });
    expect(alone?.batch.T).toBe(30);
    const many = planPasses(
      Array.from({ length: 40 }, (_, i) => new Int32Array(16).fill(i)),
      { ...DENSE, tokensPerPass: 64 },
    );
    expect(many.map(({ batch }) => batch.B)).toEqual(Array(10).fill(4));
    expect(planPasses([], SPARSE)).toEqual([]);
  });
});
