import { describe, expect, it } from 'vitest';
import { agreementOf } from '../../../../src/relevance/metrics/agreement.ts';

const answer = (label: number, score: number) => ({ label, score });

describe('agreementOf', () => {
  it('measures equal labels, score shifts and the change of accuracy', () => {
    const found = agreementOf([
      { queryId: 'a', gold: 3, original: answer(3, 2.9), copy: answer(3, 2.7) },
      { queryId: 'a', gold: 0, original: answer(0, 0.4), copy: answer(1, 0.8) },
      { queryId: 'b', gold: 2, original: answer(1, 1.4), copy: answer(2, 1.5) },
      { queryId: 'b', gold: 1, original: answer(1, 1), copy: answer(0, 0.7) },
    ]);
    expect(found).toMatchObject({ pairs: 4, queries: 2, sameLabel: { value: 0.25 }, accuracyChange: { value: -0.25 } });
    expect(found.meanScoreShift).toBeCloseTo(0.25, 12);
    expect(found.maxScoreShift).toBeCloseTo(0.4, 12);
  });
});
