import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { findingsOf, verdictOf } from '../../../src/studies/recipe-results.ts';
import { type Recipe, RECIPES } from '../../../src/studies/recipes.ts';
import { experimentReport } from '../../../src/studies/experiment-report.ts';
import { plotSvg } from '../../../src/studies/plot.ts';
import { reportHtml, reportMarkdown } from '../../../src/studies/report.ts';
import {
  type ExperimentResults,
  ExperimentResultsSchema,
  type SeedResult,
} from '../../../src/protocol/experiment-results.ts';
import { GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';

const RECIPE: Recipe = {
  id: 'E1',
  title: 'Made up <for> a test',
  question: 'Is b above a?',
  arms: [],
  comparisons: [
    { claim: 'b keeps more', metric: 'tailRecall', arm: 'b', against: 'a', expected: 'higher' },
    { claim: 'b gains', metric: 'rewardGain', arm: 'b', against: null, expected: 'higher' },
    { claim: 'b forgets', metric: 'headRecall', arm: 'b', against: 'a', expected: 'lower' },
    { claim: 'c was not run', metric: 'tailRecall', arm: 'c', against: 'a', expected: 'higher' },
  ],
};

function seed(number: number, metrics: SeedResult['metrics']): SeedResult {
  const point = { headRecall: 0.9, distinctRules: 20, accuracy: 0.8, macroF1: 0.8, pairAccuracy: 0.9 };
  const entropies = { labelEntropy: 0.3, reasoningEntropy: 0.9 };
  const at = (step: number) => ({ step, reward: 0.3 + step / 1000, tailRecall: 0.5, ...point, ...entropies });
  return { seed: number, metrics, curve: [at(0), at(40)], tokens: { generated: 1, learned: 2, expert: 3 } };
}

/** Arms whose seeds differ far more from each other than arms do within a seed. */
function arms(seeds: number): ExperimentResults['arms'] {
  const levels = Array.from({ length: seeds }, (_, i) => 0.2 + 0.1 * i);
  const noise = [0.01, -0.01, 0.005, 0, -0.005];
  return [
    { name: 'a', seeds: levels.map((level, i) => seed(i + 1, { tailRecall: level, headRecall: level })) },
    {
      name: 'b',
      seeds: levels.map((level, i) => {
        const wobble = noise[i % noise.length] ?? 0;
        const headRecall = level + (i % 2 === 0 ? 0.1 : -0.1);
        return seed(i + 1, { tailRecall: level + 0.05 + wobble, rewardGain: 0.1 + wobble, headRecall });
      }),
    },
  ];
}

function results(seeds: number): ExperimentResults {
  const findings = findingsOf(RECIPE, arms(seeds));
  return parseConfig('The results', ExperimentResultsSchema, {
    id: RECIPE.id,
    title: RECIPE.title,
    question: RECIPE.question,
    device: 'a test',
    commit: 'none',
    config: {},
    arms: arms(seeds),
    findings,
    verdict: verdictOf(findings),
  });
}

describe('findingsOf', () => {
  it('pairs by seed, so that variation between seeds does not hide a difference', () => {
    const [keeps, gains, forgets, ...rest] = findingsOf(RECIPE, arms(5));
    expect(keeps).toMatchObject({ n: 5, mean: 0.05, outcome: 'supported' });
    expect(gains).toMatchObject({ n: 5, mean: 0.1, outcome: 'supported' });
    expect(forgets).toMatchObject({ outcome: 'undecided' });
    expect(rest).toEqual([]);
  });

  it('makes no claim below five seeds', () => {
    const outcomes = new Set(findingsOf(RECIPE, arms(4)).map(({ outcome }) => outcome));
    expect(outcomes).toEqual(new Set(['preliminary']));
  });

  it('refutes a claim where the difference is certain and has the opposite sign', () => {
    const [claim] = RECIPE.comparisons;
    if (claim === undefined) throw new Error('unreachable');
    const turned = { ...RECIPE, comparisons: [{ ...claim, expected: 'lower' as const }] };
    expect(findingsOf(turned, arms(5))[0]?.outcome).toBe('refuted');
  });

  it('uses only seeds that both arms have', () => {
    const [a, b] = arms(5);
    if (a === undefined || b === undefined) throw new Error('unreachable');
    expect(findingsOf(RECIPE, [a, { ...b, seeds: b.seeds.slice(2) }])[0]?.n).toBe(3);
  });
});

describe('verdictOf', () => {
  it('gives every finding a sentence with its interval', () => {
    const { verdict } = results(5);
    expect(verdict).toMatch(
      /^b keeps more: supported \(tailRecall \+0\.050, 95 %: \+0\.0\d\d to \+0\.0\d\d, n = 5\)\./u,
    );
    expect(verdictOf([])).toMatch(/Nothing has been run/u);
  });
});

describe('the report', () => {
  it('has a row per claim and per arm, and reports when there are too few seeds', () => {
    const text = reportMarkdown(experimentReport(results(5)));
    expect(text).toContain('| b keeps more | supported | tailRecall +0.050 |');
    expect(text).toMatch(/\| b \| 5 \| .*0\.450 ± /u);
    expect(text).not.toMatch(/preliminary/u);
    expect(reportMarkdown(experimentReport(results(2)))).toMatch(/preliminary/u);
  });

  it('draws a line with a band for every arm, and escapes what it writes', () => {
    const block = experimentReport(results(5)).blocks.find(({ kind }) => kind === 'plot');
    if (block?.kind !== 'plot') throw new Error('no plot');
    const svg = plotSvg(block.plot);
    expect(reportHtml(experimentReport(results(5)))).toContain(svg);
    expect(svg.match(/stroke="#0072b2"/gu)?.length).toBe(8 + 1); // eight panels and the legend
    expect(svg).toContain('Made up &lt;for&gt; a test');
    expect(svg).not.toMatch(/NaN|Infinity/u);
  });
});

describe('RECIPES', () => {
  it.each(RECIPES.map((recipe) => [recipe.id, recipe] as const))('%s has valid settings', (_, recipe) => {
    const names = recipe.arms.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { run } of recipe.arms) {
      if (run.kind === 'grpo') expect(() => parseConfig('The arm', GrpoExperimentSchema, run.settings)).not.toThrow();
    }
    for (const { arm, against } of recipe.comparisons) {
      expect(names).toContain(arm);
      if (against !== null) expect(names).toContain(against);
    }
  });

  it('stays within the limits of a laptop: at most 200 steps of 64 rollouts', () => {
    for (const { run } of RECIPES.flatMap(({ arms: all }) => all)) {
      if (run.kind !== 'grpo') continue;
      const { steps, prompts, samples, maxTokens } = parseConfig('The arm', GrpoExperimentSchema, run.settings).grpo;
      expect(steps).toBeLessThanOrEqual(200);
      expect(prompts * samples).toBeLessThanOrEqual(64);
      expect(maxTokens).toBeLessThanOrEqual(32);
    }
  });
});
