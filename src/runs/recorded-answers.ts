/**
 * What a recording (protocol/recording.ts) keeps of a measurement: which rule decides the answer to each held-out pair.
 *
 * Of the rules that a trace cites, the one with the lowest label decides, because labels are the minimum over all rules
 * that apply. Where several cited rules lead to that label, the expert's own is taken if it is among them, else the
 * first.
 */
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import {
  MAX_RECORDED_PAIRS,
  MAX_RECORDED_TEXT,
  type PolicyAnswers,
  type RecordedPair,
  SURENESS_PARTS,
} from '../protocol/policy-answers.ts';
import { MAX_COMPLETION_LENGTH, MAX_RECORDED_COMPLETIONS, type RunCompletions } from '../protocol/tracked-run.ts';
import { fieldText } from '../relevance/pair/document-text.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { TraceStep } from '../relevance/trace/trace.ts';
import type { Evaluation, ExpertPair } from '../train/evaluate.ts';

/** Pairs of rare and of common rules whose completions are kept whole. */
const KEPT_RARE = 16;
const KEPT_COMMON = 4;
const NO_RULE = -1;

/** The pairs that a recording follows, with what the expert says of them. */
export function recordedPairs({ instruction }: Rules, expert: readonly ExpertPair[]): RecordedPair[] {
  // Documents of the reader's own may be as long as books.
  const shortened = (text: string): string => text.slice(0, MAX_RECORDED_TEXT);
  return expert.slice(0, MAX_RECORDED_PAIRS).map(({ pair, trace }) => ({
    query: shortened(pair.query),
    title: shortened(pair.document.title),
    details: shortened(fieldText(pair.document, 'attributes')),
    label: pair.label,
    rule: decidingRule(instruction, trace.steps),
  }));
}

/** What a policy answered, from an evaluation of these pairs with completions. */
export function policyAnswers(
  { instruction, tailRules }: Rules,
  tokenizer: ModelTokenizer,
  expert: readonly ExpertPair[],
  { scores, completions }: Evaluation['answers'],
): PolicyAnswers {
  const followed = expert.slice(0, MAX_RECORDED_PAIRS);
  const gold = followed.map(({ trace }) => decidingRule(instruction, trace.steps));
  const isKept = keptPairs(gold, tailRules);
  return {
    rules: followed.map((_, i) => {
      const parsed = completions[i]?.parsed;
      return parsed?.ok === true ? decidingRule(instruction, parsed.trace.steps, gold[i]) : NO_RULE;
    }),
    labels: followed.map((_, i) => scores[i]?.label ?? 0),
    sure: followed.map((_, i) => Math.round(SURENESS_PARTS * Math.max(0, ...(scores[i]?.probabilities ?? [])))),
    completions: followed.flatMap((_, pair) =>
      isKept.has(pair) ? [{ pair, tokens: tokenizer.tokenTexts(completions[pair]?.ids ?? []) }] : [],
    ),
  };
}

/**
 * What a policy completes for some pairs, the same at every step: those whose completions a recording keeps, or the
 * first where no rule tells them apart. Empty where nothing was completed.
 */
export function recordedCompletions(
  { instruction, tailRules }: Rules,
  tokenizer: ModelTokenizer,
  expert: readonly ExpertPair[],
  { scores, completions }: Evaluation['answers'],
): RunCompletions['answers'] {
  const completed = expert.slice(0, completions.length);
  const kept = keptPairs(
    completed.map(({ trace }) => decidingRule(instruction, trace.steps)),
    tailRules,
  );
  const isKept = (place: number): boolean => (kept.size === 0 ? place < MAX_RECORDED_COMPLETIONS : kept.has(place));
  return completed.flatMap(({ pair: { query, document, label } }, place) => {
    if (!isKept(place)) return [];
    const completion = tokenizer.tokenTexts(completions[place]?.ids ?? []).join('');
    const texts = [query, document.title, completion].map((text) => text.slice(0, MAX_COMPLETION_LENGTH));
    const [shortQuery = '', title = '', shortCompletion = ''] = texts;
    return [{ query: shortQuery, title, gold: label, label: scores[place]?.label ?? 0, completion: shortCompletion }];
  });
}

/** The rule that decides among those of a trace; -1 if none of them is in the instruction. */
export function decidingRule(
  { rules }: Pick<Instruction, 'rules'>,
  steps: readonly Pick<TraceStep, 'rule'>[],
  expected = NO_RULE,
): number {
  const cited = steps.flatMap(({ rule }) => {
    const cap = rules[rule]?.cap;
    return cap === undefined ? [] : [{ rule, cap }];
  });
  const lowest = Math.min(...cited.map(({ cap }) => cap));
  const deciding = cited.filter(({ cap }) => cap === lowest).map(({ rule }) => rule);
  return deciding.includes(expected) ? expected : (deciding[0] ?? NO_RULE);
}

/** The first pairs of each rare rule in turn, then some of common ones. */
function keptPairs(gold: readonly number[], tailRules: ReadonlySet<number>): ReadonlySet<number> {
  const firstOf = new Map<number, number>();
  for (const [pair, rule] of gold.entries()) if (!firstOf.has(rule)) firstOf.set(rule, pair);
  const firsts = [...firstOf].filter(([rule]) => rule !== NO_RULE);
  const rare = firsts.filter(([rule]) => tailRules.has(rule)).slice(0, KEPT_RARE);
  const common = firsts.filter(([rule]) => !tailRules.has(rule)).slice(0, KEPT_COMMON);
  return new Set([...rare, ...common].map(([, pair]) => pair));
}
