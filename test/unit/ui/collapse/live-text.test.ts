/** The live view in words: plain names that never repeat, collapses that stay, and where a fork begins. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainName } from '../../../../src/ui/collapse/branch-names.ts';
import { demonstrationProgress, recentSteps } from '../../../../src/ui/collapse/collapse-progress.ts';
import type { BranchState } from '../../../../src/ui/collapse/collapse-state.ts';
import { STARTED_DEMONSTRATION } from '../../../../src/ui/collapse/collapse-state.ts';
import { METHODS } from '../../../../src/ui/collapse/demonstration.ts';
import { collapsesSeen, forkStepOf, storyOf } from '../../../../src/ui/collapse/live-text.ts';
import { frame } from '../flow/small-recording.ts';

const BRANCH: BranchState = {
  id: 0,
  name: 'Reward only',
  arm: 'GRPO (head-heavy, plausible)',
  parent: null,
  step: 0,
  steps: 20,
  history: [],
  points: [],
  answers: [],
  experiment: {},
  samples: [],
  coefficientMoves: [],
  checkpoints: [],
  measureMs: 0,
  ended: undefined,
};
/** Measured at steps; true where that is a collapse. */
function measuredAs(...collapses: boolean[]): BranchState {
  const points = collapses.map((isCollapsed, i) => {
    const { measures, collapse } = frame(10 * i, [0], [0], [500], 0.4 + 0.1 * i);
    return { step: 10 * i, measures, collapse: { ...collapse, isCollapsed } };
  });
  return { ...BRANCH, points };
}

describe('plainName', () => {
  it('says the three of the demonstration in plain words, and forks of them', () => {
    expect(plainName('GRPO (head-heavy, plausible)')).toBe('Reward only');
    expect(plainName('MBO 0.3 (head-heavy, plausible)')).toBe('Reward + examples');
    expect(plainName('GRPO (matched, full)')).toBe('Fair control');
    expect(plainName('GRPO (head-heavy, plausible) from 40, coefficient 0.3')).toBe(
      'Reward only, from step 40, \u03bb 0.3',
    );
    expect(plainName('somebody\u2019s own')).toBe('somebody\u2019s own');
  });

  it('never gives two branches of a demonstration one name', () => {
    const arm = fc
      .tuple(fc.constantFrom(...METHODS), fc.constantFrom('head-heavy', 'matched'), fc.constantFrom('full', 'lenient'))
      .map(([{ name }, prompts, reward]) => `${name} (${prompts}, ${reward})`);
    fc.assert(
      fc.property(fc.array(arm, { maxLength: 6 }), (arms) => {
        const names: string[] = [];
        for (const each of arms) names.push(plainName(each, names));
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
});

describe('the story of a branch', () => {
  it('holds what is against what was', () => {
    expect(storyOf(measuredAs())).toBe('Not measured yet.');
    expect(storyOf(measuredAs(false))).toBe('At the start: paid 0.40, 4 different reasons.');
    expect(storyOf(measuredAs(false, false, true))).toBe(
      'Paid 0.40 \u2192 0.60, reasons 4 \u2192 4, rare rules 100 % \u2192 100 %.',
    );
  });

  it('keeps a collapse that has passed, at the step where it was first seen', () => {
    expect(collapsesSeen([measuredAs(false, false)])).toEqual([]);
    expect(collapsesSeen([measuredAs(false, true, true)])).toMatchObject([{ step: 10, name: 'Reward only' }]);
    expect(collapsesSeen([measuredAs(false, true, false)])[0]).toMatchObject({
      step: 10,
      text: 'At step 20 it no longer meets the definition.',
    });
  });

  it('offers to fork from before the collapse', () => {
    const checkpoints = [0, 10, 20];
    expect(forkStepOf({ ...measuredAs(false, false, true), checkpoints })).toBe(10);
    expect(forkStepOf({ ...measuredAs(false, false, false), checkpoints })).toBe(20);
    expect(forkStepOf({ ...measuredAs(true), checkpoints: [] })).toBeUndefined();
  });
});

describe('the time that is left', () => {
  const step = (at: number, ms: number): BranchState['history'][number] => ({
    kind: 'step',
    branch: 0,
    step: at,
    stage: null,
    reward: 0,
    labelEntropyNats: 0,
    reasoningEntropyNats: 0,
    klNats: null,
    zeroVarianceShare: 0,
    rollouts: 1,
    rules: { cited: [], gold: [], meanAdvantage: [] },
    balance: { rl: 1, expert: 0, coefficient: 0 },
    loss: { policy: 0, expert: null },
    gradNorms: null,
    activations: null,
    tokens: { generated: 0, learned: 0, expert: 0 },
    times: { rolloutMs: ms, scoreMs: 0, updateMs: 0 },
    tokensPerSec: 1,
  });
  const told = (...counts: number[]): string => {
    const branches = counts.map((count, id): BranchState => {
      const history = Array.from({ length: count }, (_, i) => step(i + 1, 1000));
      return { ...BRANCH, id, step: count, history };
    });
    return demonstrationProgress({ ...STARTED_DEMONSTRATION, phase: 'running', branches }, undefined);
  };

  it('is not shown before every branch has made enough steps to say so', () => {
    expect(told(10, 2)).toBe('of 20');
    expect(told(10, 10)).toBe('of 20, about 20 s left');
    expect(told(0, 0)).toBe('measuring the start, for each branch');
  });

  it('is not misled by a night in standby in the middle of a step', () => {
    const lengths = Array.from({ length: 12 }, (_, i) => (i === 8 ? 8 * 3_600_000 : 1000));
    const history = lengths.map((ms, i) => step(i + 1, ms));
    expect(recentSteps(history)).toHaveLength(9);
    const branches = [{ ...BRANCH, step: 12, history }];
    const text = demonstrationProgress({ ...STARTED_DEMONSTRATION, phase: 'running', branches }, undefined);
    expect(text).toBe('of 20, about 8 s left');
  });
});
