import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { Rng } from '../../../src/common/rng.ts';
import { type GrpoConfig, GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { initialWeights } from '../../../src/model/weights.ts';
import { type ParsedTrace, parseTrace, printTrace } from '../../../src/relevance/trace/trace.ts';
import { readCompletion } from '../../../src/train/completion-reader.ts';
import {
  gatedShare,
  isUpdateFirstLook,
  judgeGroups,
  minibatchOf,
  policySamples,
  samplerCorrections,
  type ScoredRollout,
} from '../../../src/train/groups.ts';
import {
  drawRollouts,
  PromptOrder,
  promptPool,
  rewardCompletion,
  type RlPrompt,
  segmentRewards,
} from '../../../src/train/rollouts.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';
import { loadModel, makeTask, TINY } from './grpo-runs.ts';

const task = makeTask();
const { tokenizer } = task;

/** The tokens of a prompt's gold completion. */
function goldIds(prompt: number): number[] {
  return tokenizer.encode(printTrace(at(task.prompts, prompt).gold));
}

/** A rollout of given tokens with equal scores. */
function scored(prompt: number, ids: readonly number[], isComplete = true): ScoredRollout {
  const logProbs = ids.map(() => -1);
  const rollout = rewardCompletion(task, prompt, { ids, logProbs, isComplete });
  return { rollout, scores: { logProbs, entropies: ids.map(() => 0.5) }, refLogProbs: undefined };
}

function config(settings: v.InferInput<typeof GrpoConfigSchema> = {}): GrpoConfig {
  return v.parse(GrpoConfigSchema, settings);
}

describe('readCompletion', () => {
  it('finds every step from its rule token to its verdict', () => {
    for (const [i, { gold }] of task.prompts.entries()) {
      const ids = goldIds(i);
      const { parsed, steps } = readCompletion(tokenizer, ids, gold.scaleSize);
      expect(parsed.ok).toBe(true);
      expect(steps.length).toBe(gold.steps.length);
      let next = 1;
      for (const [s, { start, end }] of steps.entries()) {
        expect(start).toBe(next);
        expect(tokenizer.decode(ids.slice(start, start + 1))).toEqual([
          { kind: 'special', token: `<|rule:${at(gold.steps, s).rule}|>` },
        ]);
        next = end;
      }
      expect(ids.length - next).toBe(2); // the restated label and the end token
    }
  });

  it('agrees with decoding the whole completion, whatever a model writes', () => {
    // Text comes in other pieces, so that a failure is at another position.
    const readingOf = (parsed: ParsedTrace) => (parsed.ok ? parsed : { ...parsed, failure: parsed.failure.expected });
    const anyTokens = fc.array(fc.nat(TINY.vocabSize - 1), { maxLength: 20 });
    const cutGold = fc
      .record({
        prompt: fc.nat(task.prompts.length - 1),
        length: fc.nat(20),
        change: fc.nat(TINY.vocabSize - 1),
        at: fc.nat(20),
      })
      .map(({ prompt, length, change, at: place }) =>
        goldIds(prompt)
          .slice(0, length)
          .map((id, t) => (t === place ? change : id)),
      );
    fc.assert(
      fc.property(fc.oneof(anyTokens, cutGold), (ids) => {
        const known = ids.filter((id) => id < tokenizer.vocabSize);
        const { parsed, steps } = readCompletion(tokenizer, known, 4);
        const whole = parseTrace(tokenizer.decode(known), 4);
        expect(readingOf(parsed)).toEqual(readingOf(whole));
        expect(steps.length).toBe((parsed.ok ? parsed.trace.steps : parsed.steps).length);
        for (const { start, end } of steps) expect(start < end && end <= known.length).toBe(true);
      }),
    );
  });
});

describe('rewards of a rollout', () => {
  it('are full for the gold trace', () => {
    const { rollout } = scored(0, goldIds(0));
    const steps = at(task.prompts, 0).gold.steps.map(({ rule }) => ({ rule, value: 1 }));
    expect(rollout.isRight).toBe(true);
    expect(segmentRewards(rollout)).toEqual({ total: 1, label: 1, reasoning: 1, steps });
  });

  it("keep the label's reward where the form is broken, and give the reasoning 0", () => {
    const { rollout } = scored(0, goldIds(0).slice(0, -1), false);
    expect(rollout.isRight).toBe(false);
    const { total, label, reasoning, steps } = segmentRewards(rollout);
    expect([total, label, reasoning]).toEqual([0, 1, 0]);
    expect(steps.every(({ value }) => value === 0)).toBe(true);
  });

  it('count the reasoning as if the label were right', () => {
    const { gold } = at(task.prompts, 0);
    const wrong = (gold.label + 1) % 4;
    const ids = tokenizer.encode(printTrace({ ...gold, label: wrong, restated: wrong }));
    const { rollout } = scored(0, ids);
    expect(rollout.isRight).toBe(false);
    const { total, label, reasoning } = segmentRewards(rollout);
    expect([total, label, reasoning]).toEqual([0.5, 0, 1]);
  });

  it('have a half for the label, and the other half for the F1 of the steps', () => {
    const prompt = task.prompts.findIndex(({ gold }) => gold.steps.length === 2);
    const { gold } = at(task.prompts, prompt);
    const ids = tokenizer.encode(printTrace({ ...gold, steps: gold.steps.slice(0, 1) }));
    const { total, label, reasoning } = segmentRewards(scored(prompt, ids).rollout);
    expectClose([total, label, reasoning], [5 / 6, 1, 5 / 6], { absolute: 1e-12 });
  });

  it('hold what a rule implies against the label, where they only ask for plausible steps', () => {
    const plausible = { ...task, reward: { ...task.reward, kind: 'plausible' as const } };
    const { gold } = at(task.prompts, 0);
    const reasoningOf = (label: number): number => {
      const ids = tokenizer.encode(printTrace({ ...gold, label, restated: label }));
      return rewardCompletion(plausible, 0, { ids, logProbs: ids.map(() => -1), isComplete: true }).reward.reasoning
        .value;
    };
    expect([reasoningOf(gold.label), reasoningOf((gold.label + 1) % 4)]).toEqual([1, 0]);
  });

  it('have k1 subtracted segment by segment', () => {
    const { rollout } = scored(0, goldIds(0));
    const { total, label, reasoning } = segmentRewards(rollout, { label: 0.1, reasoning: 0.2 });
    expectClose([total, label, reasoning], [0.7, 0.9, 0.8], { absolute: 1e-12 });
  });
});

describe('judgeGroups', () => {
  const mixed = [scored(0, goldIds(0)), scored(0, goldIds(0).slice(0, 1), false)];
  const equal = [scored(1, goldIds(1)), scored(1, goldIds(1))];
  const failed = [scored(2, [], false), scored(2, [], false)];
  const uses = (settings: v.InferInput<typeof GrpoConfigSchema>) =>
    judgeGroups(config(settings), [mixed, equal, failed, mixed]).map(({ use }) => use);

  it('uses all groups by default', () => {
    expect(uses({})).toEqual(['policy', 'policy', 'policy', 'policy']);
  });

  it('leaves out silent groups, and those beyond P', () => {
    expect(uses({ dropSilentGroups: true })).toEqual(['policy', 'left out', 'left out', 'policy']);
    expect(uses({ dropSilentGroups: true, prompts: 1 })).toEqual(['policy', 'left out', 'left out', 'left out']);
  });

  it('replaces failed groups by the expert under hpt', () => {
    expect(uses({ balance: { kind: 'hpt' } })).toEqual(['policy', 'policy', 'expert', 'policy']);
    expect(uses({ balance: { kind: 'hpt' }, dropSilentGroups: true })).toEqual([
      'policy',
      'left out',
      'expert',
      'policy',
    ]);
  });

  it('subtracts k1 by segment, and does not count it as a signal', () => {
    const far = equal.map((member, i) => ({ ...member, refLogProbs: member.scores?.logProbs.map((x) => x - i) }));
    const [group] = judgeGroups(config({ kl: { kind: 'k1-reward', beta: 0.01 } }), [far]);
    // The second is 1 nat per token further from its reference, so its label and its reasoning did worse.
    expect(group?.advantages.map(({ label, reasoning }) => [label, reasoning].map(Math.round))).toEqual([
      [1, 1],
      [-1, -1],
    ]);
    expect(group?.isSilent).toBe(true);
    // Without a penalty in the reward, and on rollouts without a reference, nothing is subtracted.
    for (const [kl, members] of [
      [{ kind: 'k3', beta: 0.01 }, far],
      [{ kind: 'k1-reward', beta: 0.01 }, equal],
      [{ kind: 'k1-reward', beta: 0.01 }, far.map((member) => ({ ...member, scores: null }))],
    ] as const) {
      const [unmoved] = judgeGroups(config({ kl }), [members]);
      expect(unmoved?.advantages).toEqual(judgeGroups(config(), [equal])[0]?.advantages);
    }
  });

  it('counts the groups that the expert replaces', () => {
    const hpt = judgeGroups(config({ balance: { kind: 'hpt' } }), [mixed, equal, failed, mixed]);
    expect(gatedShare(hpt)).toBe(0.25);
    expect(gatedShare(judgeGroups(config(), [mixed, failed]))).toBe(0);
    expect(gatedShare([])).toBe(0);
  });
});

describe('isUpdateFirstLook', () => {
  it('holds if a step makes one update on all its rollouts, and nothing before it needs their scores', () => {
    const settings: readonly v.InferInput<typeof GrpoConfigSchema>[] = [
      {},
      { innerEpochs: 2 },
      { minibatches: 2 },
      { dropSilentGroups: true },
      { balance: { kind: 'hpt' } },
      { kl: { kind: 'k1-reward', beta: 0.1 } },
      { samplerCorrectionCap: 2 },
      { kl: { kind: 'k3', beta: 0.1 }, balance: { kind: 'convex', mu: 0.5 } },
    ];
    const firstLooks = settings.map((each) => isUpdateFirstLook(config(each)));
    expect(firstLooks).toEqual([true, false, false, false, false, false, false, true]);
    // One reason is enough.
    for (const one of settings.slice(1, 7)) {
      for (const other of settings.slice(1, 7)) expect(isUpdateFirstLook(config({ ...one, ...other }))).toBe(false);
    }
    expect(isUpdateFirstLook(config({ innerEpochs: 2, minibatches: 2 }))).toBe(false);
  });
});

describe('policySamples', () => {
  it('gives tokens the advantages of their segments, and weights that sum up correctly', () => {
    const ids = goldIds(0);
    const groups = judgeGroups(config(), [[scored(0, ids), scored(0, ids.slice(0, 1), false)]]);
    const [full, cut] = policySamples(config(), groups);
    // All labels are right, so only reasoning can have an advantage.
    expect(full?.advantages.slice(0, 2)).toEqual([0, 1]);
    expect(cut?.advantages).toEqual([0]);
    const total = [...(full?.weights ?? []), ...(cut?.weights ?? [])].reduce((sum, weight) => sum + weight, 0);
    expect(total).toBeCloseTo(1, 12); // 0.5 for labels, 0.5 for reasoning
  });

  it('leaves truncated completions out where they are masked', () => {
    const masked = config({ maskTruncated: true });
    const groups = judgeGroups(masked, [[scored(0, goldIds(0)), scored(0, goldIds(0).slice(0, 4), false)]]);
    const [full, cut] = policySamples(masked, groups);
    expect(cut?.weights).toEqual([0, 0, 0, 0]);
    expect(full?.weights[0]).toBe(0.5);
  });

  it('has no scores before an update that makes them itself, and zeros for a reference that there is not', () => {
    const member = scored(0, goldIds(0));
    const ids = goldIds(0);
    const [unseen] = policySamples(config(), judgeGroups(config(), [[{ ...member, scores: null }, member]]));
    expect(unseen?.oldLogProbs).toBeNull();
    expect(unseen?.refLogProbs).toEqual(ids.map(() => 0));
    const compared = { ...member, refLogProbs: ids.map((_, t) => -t) };
    const [seen] = policySamples(config(), judgeGroups(config(), [[compared, member]]));
    expect(seen?.oldLogProbs).toEqual(ids.map(() => -1));
    expect(seen?.refLogProbs).toEqual(ids.map((_, t) => -t));
    expect(unseen?.weights).toEqual(seen?.weights);
  });

  it('weighs tokens by what the trainer gives them and the sampler did not, where it is asked to', () => {
    const member = scored(0, goldIds(0));
    const { completion } = member.rollout;
    const logProbs = completion.logProbs.map((logProb, t) => logProb - (t === 0 ? Math.LN2 : -Math.LN2));
    const moved = { ...member, rollout: { ...member.rollout, completion: { ...completion, logProbs } } };
    const weightsOf = (settings: v.InferInput<typeof GrpoConfigSchema>): readonly number[] =>
      policySamples(config(settings), judgeGroups(config(settings), [[moved, member]]))[0]?.weights ?? [];
    const factors = goldIds(0).map((_, t) => (t === 0 ? 2 : 0.5));
    expectClose(weightsOf({ samplerCorrectionCap: 4 }), weightsOf({}).map((weight, t) => weight * at(factors, t)), { absolute: 1e-12 }); // prettier-ignore
  });

  it('corrects for another sampler, within a bound', () => {
    expect(samplerCorrections([-1, -1, -1], [-1, -1 - Math.log(4), -1 + Math.LN2], 2)).toEqual([1, 2, 0.5]);
    expect(samplerCorrections([-1], [-3], null)).toEqual([1]);
  });

  it('distributes groups among minibatches', () => {
    const parts = [0, 1, 2].map((part) => minibatchOf([0, 1, 2, 3, 4], part, 3));
    expect(parts).toEqual([[0, 3], [1, 4], [2]]);
  });
});

describe('prompt order', () => {
  const prompts: RlPrompt[] = Array.from({ length: 400 }, (_, i) => ({
    ...at(task.prompts, i % 36),
    isTail: i % 4 === 0,
  }));
  const settings = { prompts: 16, tailPromptWeight: 1, extraRounds: 2, seed: 1 };

  it('is a function of step and round, whatever was drawn before', () => {
    const [a, b] = [new PromptOrder(prompts, settings), new PromptOrder(prompts, settings)];
    a.at(90, 0);
    a.at(3, 2);
    expect(a.at(17, 0)).toEqual(b.at(17, 0));
    expect(a.at(17, 1)).toEqual(b.at(17, 1));
    expect(a.at(17, 1)).not.toEqual(a.at(17, 0));
    expect(new PromptOrder(prompts, { ...settings, seed: 2 }).at(17, 0)).not.toEqual(b.at(17, 0));
  });

  it('begins steps with the same prompts, with or without dynamic sampling', () => {
    const plain = new PromptOrder(prompts, { ...settings, extraRounds: 0 });
    expect(plain.at(5, 0)).toEqual(new PromptOrder(prompts, settings).at(5, 0));
  });

  it('draws every prompt in extra rounds before it repeats one', () => {
    const order = new PromptOrder(prompts, settings);
    const drawn = Array.from({ length: 12 }, (_, step) => [1, 2].flatMap((round) => order.at(step, round))).flat();
    expect(drawn).toHaveLength(2 * 12 * settings.prompts);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it('leaves out tail prompts that should be rare', () => {
    const order = new PromptOrder(prompts, { ...settings, tailPromptWeight: 1e-9 });
    const drawn = Array.from({ length: 12 }, (_, step) => [0, 1].flatMap((round) => order.at(step, round))).flat();
    expect(drawn.filter((index) => prompts[index]?.isTail === true)).toEqual([]);
  });

  it('makes tail prompts rarer or more frequent by the weight', () => {
    const isTail = Array.from({ length: 20_000 }, (_, i) => i % 4 === 0);
    for (const weight of [0.1, 1, 3]) {
      const pool = promptPool(isTail, weight, 1);
      const tail = pool.filter((index) => isTail[index]).length;
      expect(tail / (pool.length - tail) / (1 / 3) / weight).toBeCloseTo(1, 0);
    }
    expect(promptPool(isTail, 1, 1).length).toBe(isTail.length);
  });
});

describe('drawRollouts', () => {
  beforeAll(() => useBackend('wasm'));

  it('repeats exactly for a step and differs between steps, rounds, samples and seeds', async () => {
    const model = loadModel(initialWeights(TINY, new Rng(3)));
    const small = config({ samples: 3, maxTokens: 4 });
    const idsAt = async (step: number, round: number, seed = 1, prompts: readonly number[] = [0, 5]) => {
      const groups = await drawRollouts(model, task, { config: { ...small, seed }, prompts, step, round });
      expect(groups.map((group) => group.map(({ prompt }) => prompt))).toEqual(
        prompts.map((index) => Array<number>(3).fill(index)),
      );
      return groups.map((group) => group.map(({ completion }) => completion.ids.join(' ')));
    };
    const first = await idsAt(2, 0);
    expect(await idsAt(2, 0)).toEqual(first);
    expect(new Set(first.flat()).size).toBe(6); // four draws from 420 nearly equal tokens almost never agree
    for (const other of [await idsAt(3, 0), await idsAt(2, 1), await idsAt(2, 0, 2)]) expect(other).not.toEqual(first);
  });

  it('rejects a prompt that does not exist', () => {
    expect(() => rewardCompletion(task, 99, { ids: [], logProbs: [], isComplete: false })).toThrow(/from 0 to 35/);
  });
});

describe('GrpoConfigSchema', () => {
  it('has the defaults of the demonstration', () => {
    const { prompts, samples, learningRate, innerEpochs, temperature, expertBatch, loss, balance } = config();
    expect({ prompts, samples, learningRate, innerEpochs, temperature, expertBatch }).toEqual({
      prompts: 16,
      samples: 8,
      learningRate: 3e-4,
      innerEpochs: 1,
      temperature: 1,
      expertBatch: 32,
    });
    expect(loss).toEqual({ kind: 'grpo', clipLow: 0.2, clipHigh: 0.2 });
    expect(balance).toEqual({ kind: 'additive', lambda: 0.3, finalLambda: null, rampSteps: 100 });
  });

  it.each([
    ['dapo', 0.2, 0.28],
    ['gspo', 3e-4, 4e-4],
  ] as const)('clips %s as its paper does', (kind, clipLow, clipHigh) => {
    expect(config({ loss: { kind } }).loss).toEqual({ kind, clipLow, clipHigh });
  });

  it('rejects unknown settings, and gives a KL term its weight', () => {
    expect(v.safeParse(GrpoConfigSchema, { lamda: 0.3 }).success).toBe(false);
    expect(v.parse(GrpoConfigSchema, { kl: { kind: 'k3' } }).kl).toMatchObject({ kind: 'k3', beta: 0.1 });
    expect(v.safeParse(GrpoConfigSchema, { kl: { kind: 'k1', beta: 1 } }).success).toBe(false);
    expect(v.safeParse(GrpoConfigSchema, { samples: 1 }).success).toBe(false);
  });
});
