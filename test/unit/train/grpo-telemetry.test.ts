import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { printTrace, type Trace } from '../../../src/relevance/trace/trace.ts';
import { detectCollapse } from '../../../src/train/collapse.ts';
import { type Group, judgeGroups, type ScoredRollout } from '../../../src/train/groups.ts';
import { keepGroup, reportRollouts, reportUpdates } from '../../../src/train/grpo-telemetry.ts';
import type { OneUpdate } from '../../../src/train/grpo-update.ts';
import { rewardCompletion } from '../../../src/train/rollouts.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';
import { makeTask } from './grpo-runs.ts';

const task = makeTask();
const CONFIG = v.parse(GrpoConfigSchema, {});

function idsOf(trace: Trace): number[] {
  return task.tokenizer.encode(printTrace(trace));
}

/**
 * Label tokens have entropy 1, reasoning 0.25; the sampler is off by 0.5 at the last token, the reference by ln 2
 * everywhere.
 */
function scored(prompt: number, ids: readonly number[], isComplete = true): ScoredRollout {
  const logProbs = ids.map(() => -1);
  const sampled = logProbs.map((x, t) => (t === ids.length - 1 ? x + 0.5 : x));
  return {
    rollout: rewardCompletion(task, prompt, { ids, logProbs: sampled, isComplete }),
    scores: { logProbs, entropies: ids.map((_, t) => (t === 0 ? 1 : 0.25)) },
    refLogProbs: logProbs.map((x) => x - Math.LN2),
  };
}

describe('reportRollouts', () => {
  const prompt = task.prompts.findIndex(({ isTail }) => isTail);
  const { gold } = at(task.prompts, prompt);
  const ids = idsOf(gold);
  const other = idsOf({ ...gold, label: (gold.label + 1) % 4, restated: (gold.label + 1) % 4 });
  // Right; right but truncated after the label; wrong label with the right steps; right.
  const members = [
    scored(prompt, ids),
    scored(prompt, ids.slice(0, 1), false),
    scored(prompt, other),
    scored(prompt, ids),
  ];
  const groups: Group[] = judgeGroups(CONFIG, [members]);
  const report = reportRollouts(task, groups);

  it('summarises rewards, forms and lengths', () => {
    expectClose(
      [report.reward.total, report.reward.label, report.reward.reasoning],
      [(1 + 0 + 0.5 + 1) / 4, 3 / 4, 3 / 4],
      { absolute: 1e-12 },
    );
    expect(report.rightShare).toBe(0.5);
    expect(report.invalidShare).toBe(0.25);
    expect(report.length).toEqual({ mean: (3 * ids.length + 1) / 4, max: ids.length, truncatedShare: 0.25 });
    expect(report.labelShares[gold.label]).toBe(0.75);
    expect(report.labelShares.reduce((sum, share) => sum + share, 0)).toBe(1);
  });

  it('reports entropies of label and reasoning, the divergence and the sampler gap', () => {
    expect(report.entropy).toEqual({ labelNats: 1, reasoningNats: 0.25 });
    expect(report.klNats).toBeCloseTo(0.5 + Math.LN2 - 1, 12);
    expect(report.samplerGapNats).toBeCloseTo(0.5, 12);
  });

  it('counts rules over the whole instruction', () => {
    const rule = at(gold.steps, 0).rule;
    expect(report.rules.cited.length).toBe(task.instruction.rules.length);
    expect(report.rules.cited[rule]).toBe(3);
    expect(report.rules.gold[rule]).toBe(1);
    expect(report.rules.meanAdvantage.filter((advantage) => advantage !== null).length).toBe(gold.steps.length);
    // Reasoning rewards 1, 0, 1, 1: three did better, by 1/4 over a deviation of sqrt(3)/4.
    expect(report.rules.meanAdvantage[rule]).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(report.distinctRules).toBe(gold.steps.length);
    expect(report.recall.tail).toBe(0.75);
  });

  it('counts groups', () => {
    const equal = [scored(prompt, ids), scored(prompt, ids)];
    const all = reportRollouts(
      task,
      judgeGroups({ ...CONFIG, dropSilentGroups: true }, [members, equal, members, members]),
    );
    expect(all.groups).toEqual({ drawn: 4, used: 3, zeroVarianceShare: 0.25, silentShare: 0.25, gatedShare: 0 });
  });

  it('adds the advantages of steps, and leaves out rules that the instruction does not have', () => {
    const [step] = gold.steps;
    if (step === undefined) throw new Error('the gold trace has no steps');
    const unknown = { ...gold, steps: [{ ...step, rule: task.instruction.rules.length }] };
    const cited = [ids, idsOf({ ...gold, steps: [{ ...step, evidence: [] }] }), idsOf(unknown)];
    const [group] = judgeGroups(CONFIG, [cited.map((each) => scored(prompt, each))]);
    if (group === undefined) throw new Error('no group');
    const of = (i: number): number => (group.advantages[i]?.reasoning ?? NaN) + (group.advantages[i]?.steps[0] ?? NaN);
    const { rules } = reportRollouts(task, [group]);
    expect(at(at(group.advantages, 0).steps, 0)).toBeGreaterThan(0.5);
    expect(rules.meanAdvantage[step.rule]).toBeCloseTo((of(0) + of(1)) / 2, 12);
    expect([rules.cited.length, rules.cited[step.rule]]).toEqual([task.instruction.rules.length, 2]);
  });

  it('has no divergence without a reference, and no entropy where nothing was reasoned', () => {
    const [label] = [scored(prompt, ids.slice(0, 1), false)].map((member) => ({ ...member, refLogProbs: undefined }));
    if (label === undefined) throw new Error('no member');
    const short = reportRollouts(task, judgeGroups(CONFIG, [[label, label]]));
    expect(short.klNats).toBeNull();
    expect(short.entropy).toEqual({ labelNats: 1, reasoningNats: 0 });
  });

  it('records completions with reward, advantage and ratio per token', () => {
    const after = members.map(({ rollout }) => rollout.completion.ids.map(() => -1 + Math.LN2));
    const kept = keepGroup(at(groups, 0), after);
    expect(kept.prompt).toBe(prompt);
    expect(kept.completions.map((completion) => completion.ids.length)).toEqual(
      members.map((m) => m.rollout.completion.ids.length),
    );
    const first = at(kept.completions, 0);
    expect(first.reward.total).toBe(1);
    expect(first.advantages.length).toBe(ids.length);
    // All labels but one are right; three of four reason better than the one that was cut.
    expect(first.advantages[0]).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(first.advantages.at(-1)).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(first.ratios).toHaveLength(ids.length);
    for (const ratio of first.ratios) expect(ratio).toBeCloseTo(2, 12);
  });
});

describe('reportUpdates', () => {
  const update: OneUpdate = {
    policyLoss: 1,
    expertLoss: null,
    expertKlNats: null,
    weighedTokens: 30,
    clippedTokens: 3,
    policyTokens: 100,
    expertTokens: 0,
    gradNorm: 2,
    gradNorms: { w: 2 },
    lossScale: undefined,
    geometry: { firstNorm: 2, secondNorm: null, cosine: null },
    learningRate: 1e-3,
    scores: null,
  };

  it('averages over updates, and over those that had a term', () => {
    const second = {
      ...update,
      policyLoss: 3,
      expertLoss: 0.5,
      weighedTokens: 10,
      gradNorm: null,
      gradNorms: null,
      geometry: undefined,
      learningRate: 5e-4,
      scores: null,
    };
    expect(reportUpdates([update, second])).toEqual({
      loss: { policy: 2, expert: 0.5 },
      expertKlNats: null,
      clipFraction: 6 / 40,
      gradient: { norm: 2, policyNorm: 2, expertNorm: null, cosine: null, byWeight: { w: 2 } },
      learningRate: 5e-4,
    });
  });

  it('gives the geometry of the first update, the loss scale of the last, and nothing without updates', () => {
    const geometry = { firstNorm: 2, secondNorm: 3, cosine: -0.5 };
    const [before, after] = [8, 16].map((scale) => ({ scale, good: 1, skipped: 0 }));
    const made = reportUpdates([
      { ...update, geometry, lossScale: before },
      { ...update, geometry: undefined, lossScale: before },
      { ...update, geometry: undefined, lossScale: after, learningRate: 1e-5 },
    ]);
    expect(made.learningRate).toBe(1e-5);
    expect(made.gradient).toEqual({ norm: 2, policyNorm: 2, expertNorm: 3, cosine: -0.5, byWeight: { w: 2 } });
    expect(made.lossScale).toEqual(after);
    expect(reportUpdates([{ ...update, weighedTokens: 0, clippedTokens: 0 }]).clipFraction).toBe(0);
    expect(reportUpdates([])).toStrictEqual({
      loss: { policy: null, expert: null },
      expertKlNats: null,
      clipFraction: 0,
      gradient: { norm: null, policyNorm: null, expertNorm: null, cosine: null, byWeight: null },
      learningRate: 0,
    });
  });
});

describe('detectCollapse', () => {
  const start = { meanReward: 0.74, tailRecall: 0.75, distinctRules: 20 };

  it('needs reward up and tail recall and distinct rules down, bounds included', () => {
    const collapsed = { meanReward: 0.79, tailRecall: 0.55, distinctRules: 14 };
    expect(detectCollapse(start, collapsed).isCollapsed).toBe(true);
    for (const [name, value] of [
      ['meanReward', 0.78],
      ['tailRecall', 0.56],
      ['distinctRules', 15],
    ] as const) {
      expect(detectCollapse(start, { ...collapsed, [name]: value }).isCollapsed, name).toBe(false);
    }
  });

  it('reports the distance moved', () => {
    const report = detectCollapse(start, { meanReward: 0.84, tailRecall: 0.85, distinctRules: 23 });
    expectClose([report.rewardGain, report.tailRecallLoss ?? NaN, report.distinctRulesLoss], [0.1, -0.1, -0.15], {
      absolute: 1e-12,
    });
    expect(report.isCollapsed).toBe(false);
  });

  it('claims nothing without tail rules to recall, or without rules at the start', () => {
    const now = { meanReward: 1, tailRecall: null, distinctRules: 1 };
    expect(detectCollapse(start, now)).toMatchObject({ isCollapsed: false, tailRecallLoss: null });
    expect(detectCollapse({ ...start, tailRecall: null }, { ...now, tailRecall: 0 }).tailRecallLoss).toBeNull();
    expect(detectCollapse({ ...start, distinctRules: 0 }, { ...now, tailRecall: 0 })).toMatchObject({
      isCollapsed: false,
      distinctRulesLoss: 0,
    });
  });
});
