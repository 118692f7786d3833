import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { e11Report, e11Results, E11ResultsSchema, type HeldArm, RULE_WORLD } from '../../../src/studies/e11-held.ts';
import type { DecodingMeasures, HeldMeasures } from '../../../src/studies/held-measure.ts';
import { reportMarkdown } from '../../../src/studies/report.ts';

const MADE = { device: 'none', commit: 'c', config: {} };
const SEEDS = [1, 2, 3, 4, 5];

function measures(verifiedSteps: number, accuracy = 0.7): HeldMeasures {
  return {
    valid: 1,
    verifiedSteps,
    withSteps: 0.9,
    headRecall: 0.5,
    tailRecall: null,
    accuracy,
    tokens: 12,
    passes: 8,
  };
}

const answered = (free: number, grounded: number, labels = 0.7): DecodingMeasures => ({
  completions: 20,
  free: measures(free),
  grammar: measures(free),
  grounded: measures(grounded, labels),
});

function arm(
  learned: HeldArm['learned'],
  trained: HeldArm['trained'],
  of: (seed: number) => DecodingMeasures,
): HeldArm {
  return { data: RULE_WORLD, learned, trained, seeds: SEEDS.map((seed) => ({ seed, ...of(seed) })) };
}

const supervised = arm('supervised', null, (seed) => answered(0.2 + seed / 100, 0.8 + seed / 100));
const free = arm('GRPO', 'free', (seed) => answered(0.3, 0.8 + seed / 100));
const held = arm('GRPO', 'grounded', (seed) => answered(0.1, 0.9 + seed / 50));

describe('e11Results', () => {
  const results = e11Results({ arms: [supervised, free, held], bundled: [], missing: ['a student'] }, MADE);
  const outcomeOf = (claim: string, measure = 'verifiedSteps'): string | undefined =>
    results.findings.find((finding) => finding.claim === claim && finding.measure === measure)?.outcome;

  it('compares decodings of one model, kinds of training under one decoding, and both with the supervised model', () => {
    expect(v.parse(E11ResultsSchema, results)).toEqual(results);
    expect(outcomeOf('More steps verify when held to the pair (supervised)')).toBe('supported');
    expect(outcomeOf('More steps verify when held to the grammar (supervised)')).toBe('undecided');
    expect(outcomeOf('Trained grounded beats trained free, both held to the pair (GRPO)')).toBe('supported');
    expect(
      outcomeOf('Trained grounded beats trained free, both held to the pair (GRPO)', 'tailRecall'),
    ).toBeUndefined();
    expect(outcomeOf('Reinforcement adds to a supervised model that is held to the pair (GRPO)')).toBe('undecided');
    const adds = 'Reinforcement adds to a supervised model that is held to the pair (GRPO, trained grounded)';
    expect(outcomeOf(adds)).toBe('supported');
  });

  it('reports every arm in each decoding, that labels stay, and what is missing', () => {
    const report = reportMarkdown(e11Report(results));
    expect(report).toMatch(/label accuracy of every model is the same/u);
    expect(report).toMatch(/\| GRPO, trained grounded \| grounded \| 5 \| 1\.000 \| 0\.960 ± /u);
    expect(report).toContain('- a student');
    const bundled = [{ name: 'm', folder: 'f', ...answered(0.1, 0.9, 0.65) }];
    const moved = reportMarkdown(e11Report(e11Results({ arms: [supervised], bundled, missing: [] }, MADE)));
    expect(moved).toMatch(/accuracy differs by 0\.050 at most/u);
    expect(moved).toMatch(/\| m \| grounded \| 20 \|/u);
  });
});
