/** Examples of a comparison: pairs on which its models were found to differ. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUNDLED_MODELS } from '../../../../src/ui/score/bundled-models.ts';
import { type DifferingPairs, pairsThatDiffer } from '../../../../src/ui/score/differing-pairs.ts';

const PAIRS = JSON.parse(readFileSync('public/models/differing-pairs.json', 'utf8')) as DifferingPairs;
const IDS = BUNDLED_MODELS.map(({ id }) => id);

describe('pairs on which models differ', () => {
  it('are known for any two bundled models', () => {
    const two = IDS.flatMap((a, i) => IDS.slice(i + 1).map((b) => [a, b]));
    expect(two.filter((keys) => pairsThatDiffer(PAIRS, keys).length === 0)).toEqual([]);
  });

  it('tell some of the chosen models apart, whatever is chosen with them', () => {
    fc.assert(
      fc.property(fc.subarray([...IDS, 'checkpoint:mine']), (keys) => {
        for (const pair of pairsThatDiffer(PAIRS, keys)) {
          const labels = PAIRS.find((each) => each.pair === pair)?.labels ?? {};
          expect(new Set(keys.flatMap((key) => labels[key] ?? [])).size).toBeGreaterThan(1);
        }
        if (keys.length < 2) expect(pairsThatDiffer(PAIRS, keys)).toEqual([]);
      }),
    );
  });
});
