/**
 * Tokens, pairs and rewards as readable text.
 */
import type { CompletionSample, RuleInfo, SampledGroup } from '../../protocol/grpo.ts';
import { spokenStep } from '../../relevance/rules/spoken-step.ts';
import { parseTrace } from '../../relevance/trace/trace.ts';
import { traceTokenMeaning } from '../../relevance/trace/trace-token.ts';

/** A token by its meaning: rules and labels by their names, other structure by a word, text unchanged. */
export function tokenText(token: string, rules: readonly RuleInfo[], labelNames: readonly string[]): string {
  const meaning = traceTokenMeaning(token);
  switch (meaning?.kind) {
    case 'rule':
      return rules[meaning.rule]?.id ?? `rule ${meaning.rule}`;
    case 'label':
      return labelNames[meaning.label] ?? `label ${meaning.label}`;
    case 'criterion':
      return `${meaning.criterion}:`;
    case 'evidence':
      return `${meaning.source} says`;
    case 'verdict':
      return meaning.verdict;
    case 'eos':
      return 'end';
    case undefined:
      return token.replace(/^<\|(.*)\|>$/su, '[$1]');
    default:
      return meaning satisfies never;
  }
}

/**
 * The reasons of a completion as sentences, a step each; none of a completion that cites no rule, and those before the
 * break of one that broke off.
 */
export function reasonSentences(tokens: readonly string[], rules: readonly RuleInfo[]): string[] {
  const parsed = parseTrace(
    tokens.map((token) =>
      traceTokenMeaning(token) === undefined ? { kind: 'text', text: token } : { kind: 'special', token },
    ),
  );
  const steps = parsed.ok ? parsed.trace.steps : parsed.steps;
  return steps.map((step) => spokenStep(rules[step.rule]?.text ?? `Rule ${step.rule}`, step));
}

/** A document in one line. */
export function documentText({ title, brand, type, attributes, text }: SampledGroup['pair']['document']): string {
  const values = Object.entries(attributes).map(([name, value]) => `${name} ${String(value)}`);
  const named = [brand === '' ? '' : `brand ${brand}`, type === '' ? '' : `type ${type}`, ...values, text];
  return [title, ...named.filter((part) => part !== '')].join(', ');
}

/** The parts of a reward, one per line. */
export function rewardLines(reward: CompletionSample['reward'], rules: readonly RuleInfo[]): string[] {
  const { rejected, label, steps, missed } = reward;
  if (rejected !== null) return [`Rejected as a whole, reward 0: it ${rejected}.`, ...lost(reward)];
  const ruleName = (rule: number): string => {
    const info = rules[rule];
    return info === undefined ? `rule ${rule}` : `${info.id}${info.isTail ? ' (rare)' : ''}`;
  };
  return [
    `${plus(label.earned)} for the label${label.value === 1 ? '' : ', which is not the expert\u2019s'}`,
    ...steps.map(({ rule, earned, cost, reason }) => {
      const price = cost > 0.005 ? `; omitting it would have earned ${cost.toFixed(2)}` : '';
      return `${plus(earned)} for ${ruleName(rule)}: ${reason}${price}`;
    }),
    ...missed.map(({ rule, cost }) => `${ruleName(rule)} was not cited, worth ${cost.toFixed(2)}`),
  ];
}

function lost({ label, steps }: CompletionSample['reward']): string[] {
  if (label.value === 0 && steps.length === 0) return [];
  return [`Lost with it: ${label.value === 1 ? 'a right label' : 'a wrong label'} and ${steps.length} steps.`];
}

function plus(value: number): string {
  return `+${value.toFixed(2)}`;
}
