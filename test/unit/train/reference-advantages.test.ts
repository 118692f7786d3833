/**
 * The advantages and weights of GRPO on one page are the trainer's for any rewards. (The rollouts of the runs in
 * reference-grpo.test.ts hardly ever have a step.)
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentAdvantages, spreadOverTokens } from '../../../src/train/advantages.ts';
import { type Policy, policyLoss, type Rollout, tokenAdvantages } from '../../../src/train/reference/grpo.ts';
import { tokenWeights } from '../../../src/train/token-weights.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';

/** A policy without weights, which gives every token the same probability. */
const policy: Policy = {
  weights: new Float64Array(),
  decays: [],
  sample: () => expect.fail('nothing is drawn'),
  logProbs: (_, completion) => completion.map(() => -1),
  gradient: () => new Float64Array(),
};

describe('on any rewards, the page', () => {
  /** A completion whose steps follow the label one after the other. */
  const answer = fc
    .record({
      label: fc.nat(1),
      reasoning: fc.constantFrom(0, 0.5, 2 / 3, 1),
      isBroken: fc.boolean(),
      cited: fc.array(fc.record({ rule: fc.nat(2), value: fc.nat(1), tokens: fc.integer({ min: 1, max: 3 }) }), {
        maxLength: 3,
      }),
      closing: fc.nat(2),
    })
    .map(({ cited, closing, ...reward }) => {
      let end = 1;
      const steps = cited.map(({ rule, value, tokens }) => ({ rule, value, start: end, end: (end += tokens) }));
      return { completion: Array<number>(end + closing).fill(0), reward: { ...reward, steps } };
    });
  const group = fc.array(answer, { minLength: 2, maxLength: 5 });

  it('has the advantages of the trainer, steps included', () => {
    let stepped = 0;
    fc.assert(
      fc.property(group, (answers) => {
        const rewards = answers.map(({ reward: { label, reasoning, isBroken, steps } }) => {
          return { total: NaN, label, reasoning: isBroken ? 0 : 0.5 + 0.5 * reasoning, steps };
        });
        const [advantages = []] = segmentAdvantages([rewards], { kind: 'stepwise', scaling: 'group', stepWeight: 1 });
        const byTrainer = answers.map(({ completion, reward }, g) => spreadOverTokens(completion.length, reward.steps, at(advantages, g))); // prettier-ignore
        expectClose(tokenAdvantages(answers).flat(), byTrainer.flat(), { absolute: 1e-9 }, 'advantages');
        stepped += advantages.filter(({ steps }) => steps.some((advantage) => advantage !== 0)).length;
      }),
    );
    expect(stepped).toBeGreaterThan(0);
  });

  it('weighs tokens as the trainer does, completions of a label alone included', () => {
    fc.assert(
      fc.property(group, (answers) => {
        const advantages = tokenAdvantages(answers);
        const rollouts = answers.map((each): Rollout => {
          const logProbs = policy.logProbs([0], each.completion);
          return { ...each, prompt: [0], oldLogProbs: logProbs, refLogProbs: logProbs };
        });
        const lengths = answers.map(({ completion }) => ({ length: completion.length, isMasked: false }));
        const weights = tokenWeights('grpo', { kind: 'separate', label: 0.5, reasoning: 0.5 }, lengths, 20);
        // Of an unmoved policy all ratios are 1.
        const expected = weights.flat().reduce((sum, weight, i) => sum - weight * at(advantages.flat(), i), 0);
        const { loss } = policyLoss(policy, rollouts, advantages, { clip: 0.2, klBeta: 0 });
        expectClose([loss], [expected], { absolute: 1e-9 }, 'loss');
      }),
    );
  });
});
