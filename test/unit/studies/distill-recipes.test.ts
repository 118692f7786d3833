import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { DISTILL_RECIPES } from '../../../src/studies/distill-recipes.ts';
import { DistillExperimentSchema } from '../../../src/protocol/distill-experiment.ts';

describe.each(DISTILL_RECIPES.map((recipe) => [recipe.id, recipe] as const))('%s', (_, recipe) => {
  const names = recipe.arms.map(({ name }) => name);
  const students = recipe.arms.flatMap(({ run }) => (run.kind === 'distill' ? [run.settings] : []));

  it('has valid settings, and compares arms that it has', () => {
    expect(new Set(names).size).toBe(names.length);
    expect(students.length).toBeGreaterThan(1);
    expect(recipe.comparisons.length).toBeGreaterThan(0);
    for (const settings of students) {
      expect(() => parseConfig('The arm', DistillExperimentSchema, settings)).not.toThrow();
    }
    for (const { arm, against } of recipe.comparisons) {
      expect(names).toContain(arm);
      if (against !== null) expect(names).toContain(against);
    }
    if (recipe.gap !== undefined) expect(names).toEqual(expect.arrayContaining(Object.values(recipe.gap)));
  });

  it('gives its students the same optimizer, data order and prompts, except where that is the question', () => {
    const common = students.map((settings) => {
      const { distill, queries: _queries, ...rest } = parseConfig('The arm', DistillExperimentSchema, settings);
      const { method: _method, expertWeight: _weight, steps: _steps, ...training } = distill;
      return { ...rest, training };
    });
    for (const settings of common) expect(settings).toEqual(common[0]);
  });
});
