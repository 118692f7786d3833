/**
 * Whether the words that a step quotes show what its rule claims. Verification asks only whether they are in the pair:
 * "red" is in the title, and shows nothing of the query's words if the query asks for a kettle.
 */
import { executeFacts } from '../../relevance/rules/execute.ts';
import { type Facts, readFacts } from '../../relevance/rules/facts.ts';
import type { Condition } from '../../relevance/rules/instruction.ts';
import type { Rules } from '../../relevance/rules/rules.ts';
import { readPair } from '../../relevance/rules/typed-document.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { contentWords } from '../../relevance/pair/text-folding.ts';
import type { Evidence, TraceStep } from '../../relevance/trace/trace.ts';

/**
 * Whether each quotation of a step shows its claim: of a rule on words in common a word that is, or is not, in common;
 * of others what execution quotes.
 */
export function isApt(
  rules: Pick<Rules, 'instruction' | 'lexicon' | 'readsTitles'>,
  pair: Pair,
  step: TraceStep,
): boolean {
  const rule = rules.instruction.rules[step.rule];
  if (rule === undefined || step.evidence.length === 0) return false;
  const facts = readFacts(rules.lexicon, readPair(rules, pair));
  if (rule.when.kind === 'overlap') {
    const { when } = rule;
    return step.evidence.every((quoted) => showsOverlap(when, facts, quoted));
  }
  const found = executeFacts(rules.instruction, facts).findings.find((finding) => finding.rule === step.rule);
  return step.evidence.every(({ source, text }) =>
    (found?.evidence ?? []).some((gold) => gold.source === source && gold.text === text),
  );
}

function showsOverlap(
  { field, of, side, is }: Extract<Condition, { kind: 'overlap' }>,
  { words }: Facts,
  { text }: Evidence,
): boolean {
  const offered = words.field(field, of);
  const [counted, other] = side === 'field' ? [offered, words.query] : [words.query, offered];
  const quoted = [...contentWords(words.folding, text)].filter((stem) => counted.stems.has(stem));
  return quoted.length > 0 && quoted.every((stem) => other.stems.has(stem) === (is === 'at-least'));
}
