/**
 * Executes an instruction on a pair: the winning rules, the label they imply, and the gold trace. This room holds
 * instructions: how rules are parsed, executed on a pair, verified in a trace, and turned into rewards.
 */
import { attributeValueText } from '../pair/document-text.ts';
import { type Facts, type Fact, type Found, inDocument, readFacts } from './facts.ts';
import type { Condition, Instruction, Rule } from './instruction.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { Pair } from '../pair/pair.ts';
import { hasPhrase } from '../pair/phrases.ts';
import type { Evidence, Trace } from '../trace/trace.ts';
import type { Criterion, Verdict } from '../pair/vocabulary.ts';
import { findWords } from './word-conditions.ts';

/** A gold trace cites at most this many binding rules, in instruction order. */
export const MAX_GOLD_STEPS = 2;

/** The winning rule of one criterion, and its finding on the pair. */
export interface Finding {
  /** Index in the instruction. */
  readonly rule: number;
  readonly criterion: Criterion;
  readonly cap: number;
  readonly verdict: Verdict;
  readonly evidence: readonly Evidence[];
}

/**
 * The outcome on one pair. `label` is undefined if no rule fired, because the instruction then cannot judge the pair.
 */
export interface Execution {
  readonly label: number | undefined;
  /** One winner per criterion, in instruction order. */
  readonly findings: readonly Finding[];
  /** The winners whose cap is the label; each of them alone implies exactly the label. */
  readonly binding: readonly Finding[];
}

/** Executes an instruction on a pair. Never throws. */
export function execute(instruction: Instruction, lexicon: Lexicon, pair: Pair): Execution {
  return executeFacts(instruction, readFacts(lexicon, pair));
}

/** {@link execute} on facts already read. */
export function executeFacts(instruction: Instruction, facts: Facts): Execution {
  const findings: Finding[] = [];
  const decided = new Set<Criterion>();
  for (const [index, rule] of instruction.rules.entries()) {
    if (decided.has(rule.criterion)) continue;
    const found = fires(rule, facts);
    if (found === undefined) continue;
    decided.add(rule.criterion);
    const { verdict, evidence } = found;
    findings.push({ rule: index, criterion: rule.criterion, cap: rule.cap, verdict, evidence });
  }
  if (findings.length === 0) return { label: undefined, findings, binding: [] };
  const label = Math.min(...findings.map(({ cap }) => cap));
  return { label, findings, binding: findings.filter(({ cap }) => cap === label) };
}

/** The gold trace of a pair; undefined if the instruction cannot judge it. */
export function goldTrace(instruction: Instruction, lexicon: Lexicon, pair: Pair): Trace | undefined {
  return traceOf(instruction, execute(instruction, lexicon, pair));
}

/** The gold trace of an execution, whose steps are its first binding findings. */
export function traceOf({ scaleSize }: Instruction, { label, binding }: Execution): Trace | undefined {
  if (label === undefined) return undefined;
  const steps = binding
    .slice(0, MAX_GOLD_STEPS)
    .map(({ rule, criterion, evidence, verdict }) => ({ rule, criterion, evidence, verdict }));
  return { scaleSize, label, steps, restated: label };
}

/** What a rule finds on a pair; undefined if it does not fire. */
export function fires(rule: Pick<Rule, 'scope' | 'when'>, facts: Facts): Found | undefined {
  if (rule.scope !== undefined && rule.scope !== facts.category) return undefined;
  return holds(rule.when, facts);
}

function holds(condition: Condition, facts: Facts): Found | undefined {
  switch (condition.kind) {
    case 'attribute':
      return facts.relations.attribute.find(
        ({ is, of }) => condition.is.includes(is) && (condition.of === undefined || condition.of === of),
      );
    case 'type':
    case 'brand':
    case 'quantity':
    case 'negation':
    case 'accessory':
    case 'audience': {
      const wanted: readonly string[] = condition.is;
      const candidates: readonly Fact[] = facts.relations[condition.kind];
      return candidates.find(({ is }) => wanted.includes(is));
    }
    case 'unasked':
      return unaskedValue(condition, facts);
    case 'overlap':
    case 'phrase':
    case 'query-length':
    case 'unasked-word':
      return findWords(condition, facts.words);
    default:
      return condition satisfies never;
  }
}

function unaskedValue(
  { attribute, values }: Extract<Condition, { kind: 'unasked' }>,
  { pair: { query, document }, words: { folding } }: Facts,
): Found | undefined {
  if (document.attributes[attribute] === undefined) return undefined;
  const offered = folding.words(attributeValueText(document.attributes[attribute]));
  const asked = folding.words(query);
  const value = values.find((v) => hasPhrase(offered, folding.words(v)) && !hasPhrase(asked, folding.words(v)));
  return value === undefined ? undefined : { verdict: 'violated', evidence: [inDocument(folding, value)] };
}
