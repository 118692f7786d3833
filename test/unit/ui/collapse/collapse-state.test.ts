/** The state of a demonstration after its events, its alarm in words, and rules over time. */
import { describe, expect, it } from 'vitest';
import type { GrpoEvent, MeasuredPoint } from '../../../../src/protocol/grpo.ts';
import {
  applyGrpoEvent,
  type CollapseState,
  isOpen,
  STARTED_DEMONSTRATION,
} from '../../../../src/ui/collapse/collapse-state.ts';
import { alarmOf, conditionsAt } from '../../../../src/ui/collapse/collapse-text.ts';
import { rewardLines, tokenText } from '../../../../src/ui/collapse/completion-text.ts';
import { advantageCurve, citationCurve, orderedRules, ruleSums } from '../../../../src/ui/collapse/rule-series.ts';

const BOUNDS = { rewardGain: 0.05, tailRecallLoss: 0.2, distinctRulesLoss: 0.3 };

function branch(id: number, parent: { branch: number; step: number } | null = null): GrpoEvent {
  return {
    kind: 'branch',
    branch: id,
    name: `b${id}`,
    parent,
    experiment: {},
    step: parent?.step ?? 0,
    steps: 4,
    curve: [],
  };
}

function step(id: number, at: number, coefficient = 0, cited = [3, 0], gold = [1, 0]): GrpoEvent {
  return {
    kind: 'step',
    branch: id,
    step: at,
    stage: null,
    reward: 0.4,
    labelEntropyNats: 0.4,
    reasoningEntropyNats: 0.9,
    klNats: null,
    zeroVarianceShare: 0.5,
    rollouts: 10,
    rules: { cited, gold, meanAdvantage: cited.map((count) => (count === 0 ? null : 0.5 * at)) },
    balance: { rl: 1, expert: coefficient, coefficient },
    loss: { policy: 0, expert: null },
    gradNorms: null,
    activations: null,
    tokens: { generated: 1, learned: 1, expert: 0 },
    times: { rolloutMs: 1, scoreMs: 1, updateMs: 1 },
    tokensPerSec: 1,
  };
}

function point(at: number, gains: [number, number | null, number], isCollapsed = false): MeasuredPoint {
  const [rewardGain, tailRecallLoss, distinctRulesLoss] = gains;
  const probe = { reward: 0.4, labelEntropyNats: 0, reasoningEntropyNats: 0, distinctRules: 3, zeroVarianceShare: 0, invalidShare: 0, meanLength: 1 }; // prettier-ignore
  const heldOut = { pairs: 6, accuracy: 1, macroF1: 1, pairAccuracy: 1, headRecall: 1, tailRecall: 1, distinctRules: 3, validTraces: 1, strictReward: 1, verifiedSteps: 1, labelTraceAgreement: 1, labelEntropyNats: 0, expertLossNats: 0 }; // prettier-ignore
  return {
    step: at,
    measures: { probe, heldOut },
    collapse: { isCollapsed, rewardGain, tailRecallLoss, distinctRulesLoss },
  };
}

const measure = (id: number, measured: MeasuredPoint): GrpoEvent => {
  return { kind: 'measure', branch: id, point: measured, answers: null, elapsedMs: 5 };
};
const after = (...events: GrpoEvent[]): CollapseState => events.reduce(applyGrpoEvent, STARTED_DEMONSTRATION);

describe('applyGrpoEvent', () => {
  it('keeps each branch apart, with the changes of its coefficient', () => {
    const { branches } = after(branch(0), branch(1), step(0, 1, 0.3), step(1, 1), step(0, 2, 0.3), step(0, 3, 0.7));
    expect(branches.map(({ history }) => history.map((each) => each.step))).toEqual([[1, 2, 3], [1]]);
    expect(branches[0]?.coefficientMoves).toEqual([{ step: 0, value: 0.3 }, { step: 2, value: 0.7 }]); // prettier-ignore
    expect(branches[1]?.coefficientMoves).toEqual([{ step: 0, value: 0 }]);
  });

  it("begins a fork with its parent's state at that step", () => {
    const { branches } = after(branch(0), step(0, 1, 0.3), step(0, 2, 0.3), step(0, 3, 0.7), branch(1, { branch: 0, step: 2 }), step(1, 3, 0.3)); // prettier-ignore
    expect(branches[1]?.history.map((each) => [each.step, each.balance.coefficient])).toEqual([[1, 0.3], [2, 0.3], [3, 0.3]]); // prettier-ignore
    expect(branches[1]?.coefficientMoves).toEqual([{ step: 0, value: 0.3 }]);
    expect(branches[0]?.step).toBe(3);
  });

  it('stays open when all branches have ended, and continues with a fork', () => {
    const finished = after(branch(0), { kind: 'finished' });
    expect([finished.phase, isOpen(finished)]).toEqual(['finished', true]);
    expect(applyGrpoEvent(finished, branch(1, { branch: 0, step: 0 })).phase).toBe('running');
  });

  it('shows a refusal until something else happens, and ignores events after the end', () => {
    const refused = after(branch(0), { kind: 'refused', code: 'bad-config', message: 'No.' });
    expect(refused.refused?.message).toBe('No.');
    expect(applyGrpoEvent(refused, step(0, 1)).refused).toBeUndefined();
    const failed = after({ kind: 'failed', code: 'not-found', message: 'Gone.' }, branch(0));
    expect([failed.phase, failed.failure?.message, failed.branches.length]).toEqual(['failed', 'Gone.', 0]);
  });
});

describe('the alarm', () => {
  const start = point(0, [0, 0, 0]);
  const alarmAfter = (...points: MeasuredPoint[]) => {
    const [first] = after(branch(0), ...points.map((each) => measure(0, each))).branches;
    if (first === undefined) throw new Error('no branch');
    return alarmOf(first);
  };

  it('is silent until all three conditions hold, and then names the first such step', () => {
    expect(alarmAfter().text).toBe('Nothing measured yet.');
    expect(alarmAfter(start, point(2, [0.1, 0.1, 0.4]))).toEqual({ kind: 'none', text: 'No collapse up to step 2.' });
    const collapsed = alarmAfter(start, point(2, [0.06, 0.2, 0.3], true), point(4, [0.1, 0.41, 0.5], true));
    expect(collapsed.kind).toBe('collapsed');
    expect(collapsed.text).toMatch(/0\.10 more reward .* fell by 0\.41, and 50 % .* First seen at step 2\./u);
  });

  it('reports when a collapse is over', () => {
    expect(alarmAfter(start, point(2, [0.06, 0.2, 0.3], true), point(4, [0, 0.2, 0.3])).kind).toBe('left');
  });

  it('shows how far each condition is, with its sign', () => {
    const told = conditionsAt(point(2, [0.025, 0.75 - 0.55, -0.1]), BOUNDS);
    expect(told.map(({ now, bound, share, isMet }) => [now, bound, Number(share.toFixed(2)), isMet])).toEqual([
      ['+0.03', '+0.05', 0.5, false],
      ['\u22120.20', '\u22120.20', 1, true],
      ['+10 %', '\u221230 %', 0, false],
    ]);
    expect(conditionsAt(point(2, [0, null, 0]), BOUNDS)[1]).toMatchObject({ now: '\u2013', share: 0, isMet: false });
  });
});

describe('rules over time', () => {
  const history = after(branch(0), step(0, 1), step(0, 2, 0, [1, 2]), step(0, 3, 0, [0, 0])).branches[0]?.history ?? [];
  const rule = { id: 'a', text: '', criterion: 'brand', cap: 1 } as const;

  it('are summed, with advantages weighted by citations', () => {
    expect(ruleSums(history, 0)).toEqual({ cited: 4, gold: 3, meanAdvantage: (3 * 0.5 + 1) / 4 });
    expect(ruleSums(history, 1)).toEqual({ cited: 2, gold: 0, meanAdvantage: 1 });
    expect(ruleSums([], 0).meanAdvantage).toBeNull();
  });

  it('are drawn per 100 completions, and without a point where nothing cites them', () => {
    expect(citationCurve(history, 0, 3).points.map(({ step: at, value }) => [at, value])).toEqual([[1, 30], [2, 10], [3, 0]]); // prettier-ignore
    expect(advantageCurve(history, 0, 3).points.map(({ step: at }) => at)).toEqual([1, 2]);
    expect(citationCurve(history, 0, 60).points.map(({ step: at, count }) => [at, count])).toEqual([[3, 1]]);
  });

  it('are ordered with the common ones first', () => {
    const rules = [true, false, true, false].map((isTail) => ({ ...rule, isTail }));
    expect(orderedRules(rules)).toEqual([1, 3, 0, 2]);
  });
});

describe('completions in words', () => {
  const rules = [{ id: 'brand-other', text: '', criterion: 'brand', cap: 1, isTail: true }] as const;

  it('name rules and labels, and leave text unchanged', () => {
    const names = ['irrelevant', 'partial', 'substantial', 'exact'];
    const tokens = [
      '<|label:4:1|>',
      '<|rule:0|>',
      '<|rule:9|>',
      '<|criterion:brand|>',
      ' zorzeb',
      '<|eos|>',
      '<|title|>',
    ];
    expect(tokens.map((token) => tokenText(token, rules, names))).toEqual(['partial', 'brand-other', 'rule 9', 'brand:', ' zorzeb', 'end', '[title]']); // prettier-ignore
  });

  it('explain a reward part by part', () => {
    const label = { value: 1, earned: 0.5 };
    const reward = { kind: 'strict', total: 0.5, rejected: null, label, reasoning: { value: 0, earned: 0 }, steps: [], missed: [{ rule: 0, cost: 0.5 }] }; // prettier-ignore
    expect(rewardLines(reward, rules)).toEqual(['+0.50 for the label', 'brand-other (rare) was not cited, worth 0.50']);
    expect(rewardLines({ ...reward, rejected: 'answers 1 but restates 2' }, rules)[0]).toBe(
      'Rejected as a whole, reward 0: it answers 1 but restates 2.',
    );
  });
});
