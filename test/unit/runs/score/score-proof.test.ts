/** Which windows of a proof are scored again is not for its maker to know. */
import { describe, expect, it } from 'vitest';
import { makeProof, sampledWindows, ScoreHash } from '../../../../src/runs/score/score-proof.ts';

function proofOf(pairs: number): ReturnType<typeof makeProof> {
  const hash = new ScoreHash();
  for (let row = 1; row <= pairs; row++) hash.add({ row, probabilities: [0.25, 0.75] });
  return makeProof({
    madeAt: '2026-01-01T00:00:00Z',
    version: '0',
    model: { name: 'm', sha256: '0'.repeat(64), labels: 2 },
    backend: 'cpu',
    precision: 'stored',
    data: [{ part: 'pairs', name: 'p.csv', sha256: '0'.repeat(64), sizeBytes: 1 }],
    reading: { layout: 'table', sheet: null, columns: {} },
    pairs,
    result: hash.result(),
  });
}

describe('the windows of a proof', () => {
  it('are drawn by a number of whoever checks, and each is drawn at last', () => {
    const proof = proofOf(512 * 12);
    const draws = Array.from({ length: 60 }, (_, seed) => sampledWindows(proof, 3, seed));
    for (const drawn of draws) expect(new Set(drawn).size).toBe(3);
    expect(new Set(draws.flat())).toEqual(new Set(Array.from({ length: 12 }, (_, i) => i)));
    expect(sampledWindows(proof, 3, 7)).toEqual(sampledWindows(proof, 3, 7));
    expect(sampledWindows(proof, Infinity, 7)).toHaveLength(12);
  });

  it('are none in a proof of nothing, which is none', () => {
    expect(() => proofOf(0)).toThrow(/pairs/u);
  });
});
