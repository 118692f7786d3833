/** The judge that the general model learns from: never thinks worse of a document for more of a hint. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { expectedLabel } from '../../../../src/relevance/pair/labels.ts';
import { type JudgedHints, MonotoneJudge, type ShownHints } from '../../../../src/studies/judged/monotone-judge.ts';

const bucket = (most: number) => fc.nat(most);
const anyShown: fc.Arbitrary<ShownHints> = fc.record({
  hints: fc.record({
    query: bucket(3),
    overlap: fc.record({ title: bucket(3), brand: bucket(3), type: bucket(3), attributes: bucket(3), text: bucket(3) }),
    number: fc.constantFrom('none', 'same', 'near', 'far', 'absent'),
  }),
  standing: fc.oneof(
    fc.constant('absent' as const),
    fc.record({ coverage: bucket(7), score: bucket(7), relative: bucket(7), rank: bucket(6), named: bucket(7) }),
  ),
  meaning: fc.oneof(
    fc.constant('absent' as const),
    fc.record({ like: bucket(15), passage: bucket(15), gap: bucket(11) }),
  ),
});

/** Pairs whose label follows the likeness of titles, and goes against the words of texts. */
function examples(): JudgedHints[] {
  const rng = new Rng(3);
  return Array.from({ length: 1500 }, () => {
    const like = rng.int(16);
    const text = rng.int(4);
    const shown: ShownHints = {
      hints: {
        query: rng.int(4),
        overlap: { title: rng.int(4), brand: 0, type: 0, attributes: 0, text },
        number: 'none',
      },
      standing: { coverage: rng.int(8), score: rng.int(8), relative: rng.int(8), rank: rng.int(7), named: rng.int(8) },
      meaning: { like, passage: rng.int(16), gap: rng.int(12) },
    };
    const height = like / 5 - text / 3 + rng.normal() / 2;
    return { shown, label: Math.max(0, Math.min(3, Math.round(height))), scaleSize: 4 };
  });
}

const JUDGE = new MonotoneJudge(examples(), [], 1);
const heightOf = (shown: ShownHints): number => expectedLabel(JUDGE.judge(shown, 4));

describe('the monotone judge', () => {
  it('gives distributions', () => {
    fc.assert(
      fc.property(fullOrSingle(), (shown) => {
        const probabilities = JUDGE.judge(shown, 4);
        expect(probabilities).toHaveLength(4);
        expect(Math.min(...probabilities)).toBeGreaterThanOrEqual(0);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('never thinks worse of a document for more of a hint, whatever its examples say', () => {
    fc.assert(
      fc.property(fullOrSingle(), (shown) => {
        const { hints, standing, meaning } = shown;
        if (hints === null) return;
        const more: ShownHints[] = [{ ...shown, hints: { ...hints, overlap: { ...hints.overlap, text: 3 } } }];
        if (typeof standing === 'object' && standing) {
          more.push(
            { ...shown, standing: { ...standing, rank: 0 } },
            { ...shown, standing: { ...standing, score: 7 } },
          );
        }
        if (typeof meaning === 'object' && meaning) {
          more.push({ ...shown, meaning: { ...meaning, like: 15 } });
          if (meaning.gap !== 'absent') more.push({ ...shown, meaning: { ...meaning, gap: 0 } });
        }
        for (const each of more) expect(heightOf(each)).toBeGreaterThanOrEqual(heightOf(shown) - 1e-9);
      }),
    );
  });

  it('learns what its examples show, and answers every label somewhere', () => {
    const some = examples();
    const labels = some.map(({ shown }) => JUDGE.judge(shown, 4)).map((of) => of.indexOf(Math.max(...of)));
    expect(new Set(labels)).toEqual(new Set([0, 1, 2, 3]));
    const near = some.filter(({ label }, i) => Math.abs(label - (labels[i] ?? 9)) <= 1).length;
    expect(near / some.length).toBeGreaterThan(0.9);
  });
});

/** Hints of a kind that the judge knows. */
function fullOrSingle(): fc.Arbitrary<ShownHints> {
  return anyShown.map((shown) => {
    const { standing, meaning } = shown;
    if (standing !== 'absent' || meaning === 'absent' || meaning === null) return shown;
    return { ...shown, meaning: { ...meaning, gap: 'absent' } };
  });
}
