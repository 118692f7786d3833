/** The demonstration runs what the experiments run, with the control always beside it. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { RECIPES } from '../../../../src/studies/recipes.ts';
import { checkpointIdIn, GrpoRequestSchema } from '../../../../src/protocol/grpo.ts';
import { GrpoExperimentSchema } from '../../../../src/protocol/grpo-experiment.ts';
import {
  BUNDLED_SOURCE,
  DEFAULT_CHOICE,
  type DemonstrationChoice,
  METHODS,
  MOST_METHODS,
  planDemonstration,
} from '../../../../src/ui/collapse/demonstration.ts';

const URL_OF_START = 'http://localhost/models/lab-nano-start/';
const namesOf = (change: Partial<DemonstrationChoice>): string[] =>
  planDemonstration({ ...DEFAULT_CHOICE, ...change }, BUNDLED_SOURCE, URL_OF_START).branches.map(({ name }) => name);

/** What tells arms apart; how long, how broadly and how often a run is looked at is the reader's choice. */
function decisive(experiment: unknown): unknown {
  const { name: _name, devPairs: _d, grpo, ...rest } = v.parse(GrpoExperimentSchema, experiment);
  const { evaluateEvery: _e, checkpointEvery: _c, keepEvery: _k, steps: _s, prompts: _p, ...learning } = grpo;
  return { ...rest, grpo: learning };
}

describe('planDemonstration', () => {
  it('is a request that the worker accepts, whose branches are arms of the experiments', () => {
    const arms = RECIPES.flatMap((recipe) => recipe.arms);
    const names = METHODS.map(({ name }) => name);
    const branches = [names.slice(0, MOST_METHODS), names.slice(MOST_METHODS)].flatMap((methods) => {
      const wanted = { ...DEFAULT_CHOICE, methods };
      return v.parse(GrpoRequestSchema, planDemonstration(wanted, BUNDLED_SOURCE, URL_OF_START)).branches;
    });
    expect(branches).toHaveLength(METHODS.length + 2);
    for (const { name, experiment } of branches) {
      const arm = arms.find((each) => each.name === name);
      if (arm === undefined || arm.run.kind !== 'grpo') expect.fail(`No experiment has an arm ${name}`);
      expect(decisive(experiment), name).toEqual(decisive(arm.run.settings));
    }
  });

  it('always has the matched, full control, and only once', () => {
    expect(namesOf({})).toEqual([
      'GRPO (head-heavy, plausible)',
      'MBO 0.3 (head-heavy, plausible)',
      'GRPO (matched, full)',
    ]);
    expect(namesOf({ methods: ['MBO 0.3'], prompts: 'matched', reward: 'full' })).toEqual([
      'MBO 0.3 (matched, full)',
      'GRPO (matched, full)',
    ]);
    expect(namesOf({ prompts: 'matched', reward: 'full' })).toEqual([
      'GRPO (matched, full)',
      'MBO 0.3 (matched, full)',
    ]);
  });

  it('takes a checkpoint and a file of one\u2019s own for start and data, in every branch', () => {
    const data = { kind: 'file', name: 'mine.tsv', sha256: 'a'.repeat(64) } as const;
    const planned = planDemonstration(DEFAULT_CHOICE, { startId: 'c7', data }, URL_OF_START);
    const request = v.parse(GrpoRequestSchema, planned);
    expect(checkpointIdIn(request.modelUrl)).toBe('c7');
    expect(checkpointIdIn(URL_OF_START)).toBeUndefined();
    for (const { experiment } of request.branches) {
      expect(v.parse(GrpoExperimentSchema, experiment).data).toMatchObject(data);
    }
  });

  it('measures pass rates where prompts come in stages', () => {
    const { branches } = planDemonstration({ ...DEFAULT_CHOICE, order: 'staged' }, BUNDLED_SOURCE, URL_OF_START);
    for (const { experiment } of branches) {
      const { passRates, grpo } = v.parse(GrpoExperimentSchema, experiment);
      expect(passRates?.samples).toBe(8);
      expect(grpo.curriculum.kind).toBe('staged');
    }
  });

  it('gives all branches the same seed and number of steps', () => {
    const { branches } = planDemonstration({ ...DEFAULT_CHOICE, seed: 7, steps: 30 }, BUNDLED_SOURCE, URL_OF_START);
    const settings = branches.map(({ experiment }) => v.parse(GrpoExperimentSchema, experiment).grpo);
    expect(new Set(settings.map(({ seed, steps }) => `${seed} ${steps}`))).toEqual(new Set(['7 30']));
  });
});
