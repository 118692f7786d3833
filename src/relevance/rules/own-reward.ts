/**
 * One's own reward of the reasoning: a weighted mean of the rewards there are, with bonuses by rule, for steps and for
 * length. It is our definition:
 *
 *     r_reasoning = clamp01( sum_k w_k r_k / sum_k w_k  +  b_rules + b_step min(steps, S) + b_token tokens )
 *
 * where k are strict, plausible and lenient, and b_rules is the sum of the bonuses of all cited rules, each once. Any
 * bonus can be negative. The reward can be hacked as far as its parts can.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { numberFrom, setting, weight, wholeNumber } from '../../config/settings.ts';
import type { Instruction } from './instruction.ts';

const bonus = numberFrom(-1, 1);
const RULE_BONUS = /^[a-z0-9-]+ [+-]?(?:\d+(?:\.\d+)?|\.\d+)$/u;
const isRuleBonuses = (text: string): boolean => entriesOf(text).every((entry) => RULE_BONUS.test(entry));

export const OwnRewardSchema = v.strictObject({
  strict: setting(weight, 1, 'Weight of the full reward', 'Of every step held against the expert\u2019s.'),
  plausible: setting(weight, 0, 'Weight of the plausible reward', 'Of steps that look right.'),
  lenient: setting(weight, 0, 'Weight of the lenient reward', 'Of any reasoning that parses.'),
  ruleBonuses: setting(
    v.pipe(
      v.string(),
      v.maxLength(2000),
      v.check(isRuleBonuses, 'Invalid bonuses: expected rules with numbers, such as "brand-other 0.2, type-near -0.1"'),
    ),
    '',
    'Bonuses by rule',
    'Rules with what citing each adds, such as "brand-other 0.2, type-near -0.1".',
  ),
  stepBonus: setting(bonus, 0, 'Bonus per step', 'What each step adds, up to the number of steps below.'),
  bonusSteps: setting(wholeNumber(0, 1000), 4, 'Steps with a bonus', 'Further steps add nothing.', { unit: 'steps' }),
  tokenBonus: setting(bonus, 0, 'Bonus per token', 'What each token of the completion adds; negative for short ones.'),
});
export type OwnReward = v.InferOutput<typeof OwnRewardSchema>;

/** What a completion has besides its steps, for bonuses. */
export interface BonusCase {
  readonly tokens: number;
  /** By the index of the rule. */
  readonly ruleBonuses: ReadonlyMap<number, number>;
}

/** The sum of the bonuses of a completion that cites these rules. */
export function bonusOf(own: OwnReward, rules: readonly number[], { tokens, ruleBonuses }: BonusCase): number {
  const ofRules = [...new Set(rules)].reduce((sum, rule) => sum + (ruleBonuses.get(rule) ?? 0), 0);
  return ofRules + own.stepBonus * Math.min(rules.length, own.bonusSteps) + own.tokenBonus * tokens;
}

/**
 * The bonuses by the indices of rules.
 *
 * @throws {LabError} `bad-config` for a rule that the instruction does not have
 */
export function ruleBonusesOf({ ruleBonuses }: OwnReward, instruction: Instruction): Map<number, number> {
  return new Map(
    entriesOf(ruleBonuses).map((entry) => {
      const [id = '', number = ''] = entry.split(' ');
      const rule = instruction.rules.findIndex((known) => known.id === id);
      if (rule >= 0) return [rule, Number(number)];
      throw new LabError('bad-config', {
        message: 'The reward has a bonus for a rule that the instruction does not have.',
        expected: `one of ${instruction.rules.map((known) => known.id).join(', ')}`,
        got: id,
        fix: 'Correct reward.own.ruleBonuses.',
      });
    }),
  );
}

function entriesOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim().replaceAll(/\s+/gu, ' '))
    .filter((entry) => entry !== '');
}
