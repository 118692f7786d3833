import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { type GrpoConfig, GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import {
  classOf,
  type Curriculum,
  CURRICULUM_START,
  type CurriculumState,
  makeCurriculum,
  stageOrder,
} from '../../../src/train/curriculum.ts';
import { PromptOrder, type RlPrompt } from '../../../src/train/rollouts.ts';
import { at } from '../../reference/tensor64.ts';
import { makeTask } from './grpo-runs.ts';

const task = makeTask();
const P = 8;

/** Prompts with given passes out of eight; every fifth is a tail prompt. */
function withPasses(passes: readonly number[]): RlPrompt[] {
  return passes.map((count, i) => ({
    ...at(task.prompts, i % task.prompts.length),
    isTail: i % 5 === 0,
    passRate: count / 8,
  }));
}

/** Twenty prompts for each number of passes. */
const PROMPTS = withPasses(Array.from({ length: 180 }, (_, i) => i % 9));

function config(curriculum: v.InferInput<typeof GrpoConfigSchema>['curriculum'], more: object = {}): GrpoConfig {
  return v.parse(GrpoConfigSchema, { steps: 60, prompts: P, extraRounds: 2, ...more, curriculum });
}

/** The draws of a whole run whose rollouts earn `labelReward` for their labels. */
function runThrough(
  curriculum: Curriculum,
  { steps }: GrpoConfig,
  labelReward: (step: number) => number,
  from: { state: CurriculumState; step: number } = { state: curriculum.begin(undefined, 0), step: 0 },
) {
  let { state } = from;
  const made = [];
  for (let step = from.step; step < steps; step++) {
    const prompts = curriculum.at(step, 0, state);
    made.push({ stage: curriculum.stageOf(state), prompts, state });
    const reward = { label: { value: labelReward(step) } };
    state = curriculum.after(
      state,
      step + 1,
      prompts.map((prompt) => ({ prompt, reward })),
    );
  }
  return made;
}

describe('classOf', () => {
  it.each([
    [0, 'expert'],
    [1 / 8, 'stage 2'],
    [3 / 8, 'stage 2'],
    [4 / 8, 'stage 1'],
    [7 / 8, 'stage 1'],
    [1, 'dropped'],
  ])('classifies a pass rate of %s as: %s', (rate, expected) => expect(classOf(rate)).toBe(expected));
});

describe('random order', () => {
  it('is exactly the order of a run without a curriculum', () => {
    const settings = config({ kind: 'random' });
    const [curriculum, plain] = [makeCurriculum(PROMPTS, settings), new PromptOrder(PROMPTS, settings)];
    for (const [step, round] of [
      [0, 0],
      [7, 0],
      [59, 2],
    ] as const) {
      // prettier-ignore
      expect(curriculum.at(step, round, CURRICULUM_START)).toEqual(plain.at(step, round));
    }
    expect(curriculum.stageOf(CURRICULUM_START)).toBeNull();
    expect(curriculum.begin(undefined, 0)).toEqual({ phase: 0, since: 0, recent: [] });
    expect(curriculum.after(CURRICULUM_START, 1, [])).toEqual(CURRICULUM_START);
    expect(config(undefined).curriculum).toEqual({ kind: 'random' });
  });
});

describe('a staged curriculum', () => {
  const passesOf = (prompts: readonly number[]): number[] => prompts.map((i) => i % 9);

  it("passes through its stages in thirds, and draws each stage's own prompts", () => {
    const settings = config({ kind: 'staged', rehearsalShare: 0, rareShare: 0 });
    const run = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0);
    expect(run.map(({ stage }) => stage)).toEqual(thirds(1, 2, 3));
    for (const { stage, prompts } of run) {
      expect(new Set(prompts).size).toBe(P);
      const [least, most] = stage === 1 ? [4, 7] : stage === 2 ? [1, 3] : [1, 7];
      for (const passes of passesOf(prompts)) expect(passes >= least && passes <= most).toBe(true);
    }
  });

  it('loses only dropped prompts: every learnable prompt is drawn in the mixed stage', () => {
    // An epoch is 17 steps of 8 and leaves out 4 of the 140, different ones each time; 60 steps are 3.5 epochs.
    const settings = config({ kind: 'staged', ends: [0, 0], rareShare: 0, rehearsalShare: 0 });
    const seen = new Set(runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0).flatMap((s) => s.prompts));
    const learnable = PROMPTS.flatMap(({ passRate = 0 }, i) => (passRate > 0 && passRate < 1 ? [i] : []));
    expect([...seen].toSorted((a, b) => a - b)).toEqual(learnable);
  });

  it('rehearses earlier stages, and also draws rare rules in the mixed one', () => {
    const settings = config({ kind: 'staged', rehearsalShare: 0.25, rareShare: 0.25 });
    const run = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0);
    expect(run.map(({ stage }) => stage)).toEqual(thirds(1, 2, 3));
    for (const { stage, prompts } of run) {
      expect(prompts.length).toBe(P);
      if (stage === 1) for (const passes of passesOf(prompts)) expect(passes).toBeGreaterThanOrEqual(4);
      if (stage === 2) expect(passesOf(prompts).filter((passes) => passes >= 4).length).toBe(2);
      // The mix has everything that came before, so nothing is left to rehearse.
      if (stage === 3) expect(prompts.filter((i) => PROMPTS[i]?.isTail).length).toBeGreaterThanOrEqual(2);
    }
  });

  it('draws each prompt of a stage once before repeating any', () => {
    const settings = config({ kind: 'staged', rehearsalShare: 0 });
    const first = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0).slice(0, 10);
    expect(new Set(first.flatMap(({ prompts }) => prompts)).size).toBe(80); // all of stage 1
  });

  it('is reversed in the control', () => {
    expect(stageOrder('reversed')).toEqual([3, 2, 1]);
    const settings = config({ kind: 'reversed' });
    const run = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0);
    expect(run.map(({ stage }) => stage)).toEqual(thirds(3, 2, 1));
    // The easy stage comes last, and rehearses what it lacks.
    expect(run.slice(40).map(({ prompts }) => passesOf(prompts).filter((passes) => passes < 4).length)).toEqual(
      Array<number>(20).fill(2),
    );
  });

  it("uses the run's mix of prompts, in which rare ones are left out first", () => {
    const settings = config({ kind: 'staged', ends: [0, 0], rareShare: 0 }, { tailPromptWeight: 0.001 });
    const drawn = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0).flatMap(({ prompts }) => prompts);
    expect(drawn.filter((i) => PROMPTS[i]?.isTail).length).toBe(0);
  });

  it('reports missing prompts or pass rates', () => {
    const unmeasured = PROMPTS.map((prompt) => ({ ...prompt, passRate: undefined }));
    const few = withPasses([8, 8, 8, 8, 8, 4, 4, 4, 1, 1, 1]);
    expect(() => makeCurriculum(few, config({ kind: 'staged' }))).toThrow(/Stage 1 .*at least 8.*3/su);
    expect(() => makeCurriculum(unmeasured, config({ kind: 'staged' }))).toThrow(/none for the query/u);
    expect(() => config({ kind: 'staged', ends: [0.6, 0.3] })).toThrow(/second stage/u);
  });
});

describe('a stage', () => {
  const staged = config({ kind: 'staged' });

  it('begins where the schedule says, whatever an earlier schedule had reached', () => {
    const late = makeCurriculum(PROMPTS, config({ kind: 'staged', ends: [0.5, 0.75] }));
    expect(late.begin({ phase: 1, since: 20, recent: [1] }, 25)).toEqual({ phase: 0, since: 0, recent: [] });
    expect(late.begin({ phase: 0, since: 0, recent: [] }, 40)).toEqual({ phase: 1, since: 30, recent: [] });
  });

  it('draws the same prompts whenever it begins', () => {
    const curriculum = makeCurriculum(PROMPTS, staged);
    for (const made of [0, 1, 7]) {
      const drawn = [20, 5].map((since) => curriculum.at(since + made, 0, { phase: 1, since, recent: [] }));
      expect(drawn[0]).toEqual(drawn[1]);
    }
  });

  it('draws every prompt in extra rounds before it repeats one', () => {
    const curriculum = makeCurriculum(PROMPTS, config({ kind: 'staged', rehearsalShare: 0 }));
    const steps = Array.from({ length: 5 }, (_, step) =>
      [1, 2].map((round) => curriculum.at(step, round, CURRICULUM_START)),
    );
    expect(new Set(steps.flat(2)).size).toBe(5 * 2 * P); // all 80 of the first stage
  });

  it('takes as many prompts as a step needs, and no fewer', () => {
    const few = config({ kind: 'staged', rehearsalShare: 0, rareShare: 0 });
    const [enough, tooFew] = [8, 7].map((easy) =>
      withPasses([...Array<number>(easy).fill(5), ...Array<number>(8).fill(2)]),
    );
    const drawn = makeCurriculum(enough ?? [], few).at(0, 0, CURRICULUM_START);
    expect(drawn.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(() => makeCurriculum(tooFew ?? [], few)).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});

describe('an adaptive curriculum', () => {
  const settings = config({ kind: 'adaptive', window: 4, promoteAt: [0.8, 0.5], ends: [0.5, 0.9] });

  it('ends a stage when the mean over the window is high enough, and not before the window is full', () => {
    // Rewards of 0.7, and of 1 from step 10 on: (0.7 + 0.7 + 1 + 1) / 4 = 0.85 is the first mean above 0.8.
    const run = runThrough(makeCurriculum(PROMPTS, settings), settings, (step) => (step < 10 ? 0.7 : 1));
    const stages = run.map(({ stage }) => stage);
    expect(stages.indexOf(2)).toBe(12);
    expect(stages.indexOf(3)).toBe(12 + 4);
    expect(run[12]?.state).toEqual({ phase: 1, since: 12, recent: [] });
  });

  it('ends it at the very mean that it asks for, and has no end after its last stage', () => {
    const half = config({ kind: 'adaptive', window: 4, promoteAt: [0.5, 0.5], ends: [0.9, 1] });
    const curriculum = makeCurriculum(PROMPTS, half);
    const run = runThrough(curriculum, half, () => 0.5);
    expect(run.findIndex(({ stage }) => stage === 2)).toBe(4);
    expect(run.findIndex(({ stage }) => stage === 3)).toBe(8);
    const last = { phase: 2, since: 8, recent: [] };
    expect(run.at(-1)?.state).toEqual(last);
    expect(curriculum.after(last, 60, [{ prompt: 3, reward: { label: { value: 1 } } }])).toEqual(last);
    // A step whose rollouts are all of other stages counts as 0.
    expect(curriculum.after({ phase: 0, since: 0, recent: [1] }, 1, []).recent).toEqual([1, 0]);
  });

  it('ends it at the latest step in the settings', () => {
    const stages = runThrough(makeCurriculum(PROMPTS, settings), settings, () => 0).map(({ stage }) => stage);
    expect([stages.indexOf(2), stages.indexOf(3)]).toEqual([30, 54]);
  });

  it("considers the stage's own prompts only", () => {
    const curriculum = makeCurriculum(PROMPTS, settings);
    const state = { phase: 1, since: 10, recent: [] };
    const rollouts = [
      { prompt: 2, reward: { label: { value: 0.25 } } }, // two passes: of stage 2
      { prompt: 3, reward: { label: { value: 0.75 } } },
      { prompt: 7, reward: { label: { value: 1 } } }, // rehearsed
    ];
    expect(curriculum.after(state, 11, rollouts).recent).toEqual([0.5]);
  });

  it('resumes from a saved state as if it had not stopped, and never moves back', () => {
    const rewards = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(rewards, fc.nat(59), fc.constantFrom('staged', 'reversed', 'adaptive'), (labels, cut, kind) => {
        const each = config(kind === 'adaptive' ? { kind, window: 3, promoteAt: [0.6, 0.5] } : { kind });
        const earned = (step: number): number => labels[step] ?? 0;
        const whole = runThrough(makeCurriculum(PROMPTS, each), each, earned);
        const phases = whole.map(({ state }) => state.phase);
        expect(phases).toEqual(phases.toSorted((a, b) => a - b));
        const resumed = makeCurriculum(PROMPTS, each);
        const state = resumed.begin(structuredClone(whole[cut]?.state), cut);
        expect(runThrough(resumed, each, earned, { state, step: cut })).toEqual(whole.slice(cut));
      }),
      { numRuns: 40 },
    );
  });

  it('draws other prompts for other rounds, seeds and steps', () => {
    const curriculum = makeCurriculum(PROMPTS, settings);
    const first = curriculum.at(0, 0, CURRICULUM_START);
    const other = makeCurriculum(PROMPTS, { ...settings, seed: 2 });
    const others = [
      curriculum.at(0, 1, CURRICULUM_START),
      curriculum.at(1, 0, CURRICULUM_START),
      other.at(0, 0, CURRICULUM_START),
    ];
    for (const drawn of others) {
      expect(drawn.length).toBe(P);
      expect(drawn).not.toEqual(first);
    }
  });
});

/** Twenty steps of each. */
function thirds(...stages: readonly number[]): number[] {
  return stages.flatMap((stage) => Array<number>(20).fill(stage));
}
