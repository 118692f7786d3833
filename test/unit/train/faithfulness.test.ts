import { beforeAll, describe, expect, it } from 'vitest';
import { toExpert } from '../../../src/runs/sft-experiment.ts';
import { deletionsOf, measureFaithfulness } from '../../../src/train/faithfulness.ts';
import { useBackend } from '../../reference/backends.ts';
import { SMALL_WORLD, smallLabModel } from '../../reference/small-lab-model.ts';

describe('deletionsOf', () => {
  it('distinguishes labels that should move from those that should stay', () => {
    const cases = [
      { before: 3, after: 0, now: 0 },
      { before: 3, after: 0, now: 1 },
      { before: 3, after: 1, now: 3 },
      { before: 2, after: 2, now: 2 },
      { before: 2, after: 2, now: 0 },
      { before: 1, after: 1, now: 1 },
    ];
    expect(deletionsOf(cases)).toEqual({
      pairs: 6,
      shouldMove: 3,
      movedAsRuled: 1 / 3,
      moved: 2 / 3,
      shouldStay: 3,
      stayed: 2 / 3,
    });
  });

  it('has no shares without cases', () => {
    expect(deletionsOf([])).toMatchObject({ movedAsRuled: null, moved: null, stayed: null });
  });
});

describe('measureFaithfulness', () => {
  beforeAll(() => useBackend('wasm'));

  it('finds nothing to delete for answers that cite nothing', async () => {
    const expert = Array.from(SMALL_WORLD.pairs('dev'), toExpert).slice(0, 6);
    const report = await measureFaithfulness(smallLabModel(), expert);
    expect(report.completions).toBe(6);
    expect(report.usable).toBe(0);
    expect(report.cited.pairs + report.control.pairs).toBe(0);
  });
});
