/** The demonstration runs what the experiments run, always with the control. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { RECIPES } from '../../../../src/studies/recipes.ts';
import { checkpointIdIn, GrpoRequestSchema } from '../../../../src/protocol/grpo.ts';
import { type GrpoExperiment, GrpoExperimentSchema } from '../../../../src/protocol/grpo-experiment.ts';
import { parseRecording } from '../../../../src/protocol/recording.ts';
import { isRecordedRun } from '../../../../src/ui/collapse/recorded-regime.ts';
import {
  BUNDLED_SOURCE,
  DEFAULT_CHOICE,
  LESSON_CHOICE,
  type DemonstrationChoice,
  METHODS,
  MOST_METHODS,
  planDemonstration,
  withLambda,
} from '../../../../src/ui/collapse/demonstration.ts';

const URL_OF_START = 'http://localhost/models/lab-nano-start/';
const planned = (change: Partial<DemonstrationChoice>, source = BUNDLED_SOURCE) => {
  const plan = planDemonstration({ ...DEFAULT_CHOICE, ...change }, source, URL_OF_START);
  return v.parse(GrpoRequestSchema, plan);
};
const namesOf = (change: Partial<DemonstrationChoice>): string[] => planned(change).branches.map(({ name }) => name);
const settingsOf = (change: Partial<DemonstrationChoice>): GrpoExperiment[] =>
  planned(change).branches.map(({ experiment }) => v.parse(GrpoExperimentSchema, experiment));

/** The settings that define an arm; length, breadth and frequency of measurements are the reader's choice. */
function decisive(experiment: unknown): unknown {
  const { name: _name, devPairs: _d, probeSamples: _n, grpo, ...rest } = v.parse(GrpoExperimentSchema, experiment);
  const {
    evaluateEvery: _e,
    checkpointEvery: _c,
    keepEvery: _k,
    keepGroups: _g,
    steps: _s,
    prompts: _p,
    ...learning
  } = grpo;
  return { ...rest, grpo: learning };
}

describe('planDemonstration', () => {
  it('is a request that the worker accepts, whose branches are arms of the experiments', () => {
    const arms = RECIPES.flatMap((recipe) => recipe.arms);
    const names = METHODS.map(({ name }) => name).filter((name) => name !== 'Own balance');
    const branches = [names.slice(0, MOST_METHODS), names.slice(MOST_METHODS)].flatMap(
      (methods) => planned({ methods }).branches,
    );
    expect(branches).toHaveLength(names.length + 2);
    for (const { name, experiment } of branches) {
      const arm = arms.find((each) => each.name === name);
      if (arm === undefined || arm.run.kind !== 'grpo') expect.fail(`No experiment has an arm ${name}`);
      expect(decisive(experiment), name).toEqual(decisive(arm.run.settings));
    }
  });

  it('runs for the lesson what the lesson has recorded', () => {
    const recorded = ['grpo', 'mbo'].map((name) => {
      return JSON.parse(readFileSync(`public/recordings/${name}.experiment.json`, 'utf8')) as object;
    });
    expect(settingsOf(LESSON_CHOICE).map(decisive)).toEqual(
      recorded.map((experiment) => decisive({ ...experiment, data: { kind: 'world' } })),
    );
  });

  it('has the branch that collapses go before the other in the lesson, and all side by side elsewhere', () => {
    const pacesOf = (choice: DemonstrationChoice): number[] => planned(choice).branches.map(({ pace }) => pace);
    expect([pacesOf(LESSON_CHOICE), pacesOf(DEFAULT_CHOICE)]).toEqual([[2, 1], [1, 1, 1]]); // prettier-ignore
  });

  it('has the matched, full control exactly once, unless it is left out', () => {
    expect(namesOf({ control: false })).toEqual(namesOf({}).slice(0, 2));
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

  it('uses a checkpoint and the user\u2019s own file as start and data, in every branch', () => {
    const data = { kind: 'file', name: 'mine.tsv', sha256: 'a'.repeat(64) } as const;
    const request = planned({}, { startId: 'c7', data });
    expect(checkpointIdIn(request.modelUrl)).toBe('c7');
    expect(checkpointIdIn(URL_OF_START)).toBeUndefined();
    expect(request.branches.length).toBeGreaterThan(1);
    for (const { experiment } of request.branches) {
      expect(v.parse(GrpoExperimentSchema, experiment).data).toMatchObject(data);
    }
  });

  it('measures pass rates where prompts come in stages', () => {
    const staged = settingsOf({ order: 'staged' });
    expect(staged.length).toBeGreaterThan(1);
    for (const { passRates, grpo } of staged) {
      expect(passRates?.samples).toBe(8);
      expect(grpo.curriculum.kind).toBe('staged');
    }
  });

  it('gives all branches the same seed and number of steps', () => {
    const draft = new Map([...DEFAULT_CHOICE.draft, ['grpo.seed', '7'], ['grpo.steps', '30']] as const);
    const all = settingsOf({ draft }).map(({ grpo: { seed, steps } }) => `${seed} ${steps}`);
    expect(new Set(all)).toEqual(new Set(['7 30']));
  });

  it('gives every branch what is set besides, and the balance to the one that takes it', () => {
    const typed = [
      ['grpo.loss.kind', 'dapo'],
      ['grpo.kl.kind', 'k2'],
      ['grpo.balance.kind', 'hpt'],
    ] as const;
    const draft = new Map([...DEFAULT_CHOICE.draft, ...typed]);
    const [own, held, control] = settingsOf({ draft, methods: ['Own balance', 'GRPO + k3 0.3'] });
    expect([own, held, control].map((each) => each?.grpo.loss.kind)).toEqual(['dapo', 'dapo', 'dapo']);
    expect(new Set([own, held, control].map((each) => each?.grpo.balance.kind))).toEqual(new Set(['additive', 'hpt']));
    expect([own, held, control].map((each) => each?.grpo.kl.kind)).toContain('k3');
  });

  it('takes a weight from the address where a method has it', () => {
    expect(withLambda(DEFAULT_CHOICE, '1').methods).toEqual(['GRPO', 'MBO 1']);
    expect(withLambda(DEFAULT_CHOICE, '0.7')).toBe(DEFAULT_CHOICE);
  });

  it('is nothing while a setting is wrong', () => {
    const draft = new Map([...DEFAULT_CHOICE.draft, ['grpo.steps', '0x10']] as const);
    expect(planDemonstration({ ...DEFAULT_CHOICE, draft }, BUNDLED_SOURCE, URL_OF_START)).toBeUndefined();
  });
});

describe('the recorded run behind a live one', () => {
  const recorded = parseRecording('grpo.json', readFileSync('public/recordings/grpo.json', 'utf8'));
  const start = { startHash: recorded.model.hash, worldHash: recorded.dataHash };
  const ofLesson = planned(LESSON_CHOICE).branches.map(({ experiment }) => experiment);

  it('is that of the lesson\u2019s settings, however long and however often measured', () => {
    expect(ofLesson.map((experiment) => isRecordedRun(experiment, start, recorded))).toEqual([true, false]);
    const draft = new Map([...LESSON_CHOICE.draft, ['grpo.steps', '12'], ['grpo.evaluateEvery', '3'], ['devPairs', '60']]); // prettier-ignore
    const [shorter] = planned({ ...LESSON_CHOICE, draft }).branches;
    expect(isRecordedRun(shorter?.experiment, start, recorded)).toBe(true);
  });

  it.each([
    ['grpo.seed', '5'],
    ['grpo.innerEpochs', '1'],
    ['grpo.prompts', '16'],
    ['grpo.loss.clipHigh', '0.2'],
    ['grpo.learningRate', '0.0001'],
    ['queries', '1000'],
  ])('is gone where %s is %s', (path, value) => {
    const [changed] = planned({ ...LESSON_CHOICE, draft: new Map([...LESSON_CHOICE.draft, [path, value]]) }).branches;
    expect(isRecordedRun(changed?.experiment, start, recorded)).toBe(false);
  });

  it('is gone where the start or the data is another, or the settings are none', () => {
    expect(isRecordedRun(ofLesson[0], { ...start, startHash: 'other' }, recorded)).toBe(false);
    expect(isRecordedRun(ofLesson[0], { ...start, worldHash: 'other' }, recorded)).toBe(false);
    expect(isRecordedRun({}, start, { ...recorded, experiment: 'nothing' })).toBe(false);
  });
});
