/**
 * Checks reasoning against the world: each step of a trace is executed live on its pair, so that a step shown to a
 * person is verified, wrong, or plainly uncheckable, never taken on trust.
 */
import { evidenceOccurs } from './evidence.ts';
import { executeFacts } from './execute.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Instruction, Rule } from './instruction.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { Pair } from '../pair/pair.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';

/** The outcome for one step, with a reason in a few words. */
export interface StepCheck {
  readonly status: 'verified' | 'wrong' | 'uncheckable';
  readonly reason: string;
}

/** Whether the verified steps of a trace lead to the label it states. */
export interface TraceAgreement {
  /** `uncheckable` where no step is verified. */
  readonly status: 'agree' | 'disagree' | 'uncheckable';
  /** The lowest cap of the verified steps. */
  readonly impliedLabel: number | undefined;
  /** One per step. */
  readonly checks: readonly StepCheck[];
}

/**
 * Executes the rule a step cites and compares: the rule must win its criterion on the pair, the verdict must be the
 * executed one, and every evidence span must stand in its source as whole words.
 */
export function verifyStep(instruction: Instruction, lexicon: Lexicon, pair: Pair, step: TraceStep): StepCheck {
  return checkStep(instruction, readFacts(lexicon, pair), step);
}

/** Checks every step of a trace, and its label against the lowest cap of the verified ones. */
export function traceAgreement(instruction: Instruction, lexicon: Lexicon, pair: Pair, trace: Trace): TraceAgreement {
  const facts = readFacts(lexicon, pair);
  const checks = trace.steps.map((step) => checkStep(instruction, facts, step));
  const caps = trace.steps
    .filter((_, index) => checks[index]?.status === 'verified')
    .map(({ rule }) => instruction.rules[rule]?.cap ?? instruction.scaleSize - 1);
  if (caps.length === 0) return { status: 'uncheckable', impliedLabel: undefined, checks };
  const impliedLabel = Math.min(...caps);
  return { status: impliedLabel === trace.label ? 'agree' : 'disagree', impliedLabel, checks };
}

function checkStep(instruction: Instruction, facts: Facts, step: TraceStep): StepCheck {
  const rule = instruction.rules[step.rule];
  if (rule === undefined) return wrong(`the instruction has no rule ${step.rule}`);
  if (rule.criterion !== step.criterion) return wrong(`the rule is about ${rule.criterion}, not ${step.criterion}`);
  const winner = executeFacts(instruction, facts).findings.find(({ criterion }) => criterion === rule.criterion);
  if (winner?.rule !== step.rule) {
    if (winner !== undefined) return wrong(`"${instruction.rules[winner.rule]?.id ?? winner.rule}" decides instead`);
    const missing = missingFact(rule, facts);
    return missing === undefined ? wrong('the rule does not apply') : { status: 'uncheckable', reason: missing };
  }
  if (winner.verdict !== step.verdict) return wrong(`the verdict is ${winner.verdict}, not ${step.verdict}`);
  for (const { source } of winner.evidence) {
    if (!step.evidence.some((span) => span.source === source)) return wrong(`cites nothing from the ${source}`);
  }
  const invented = step.evidence.find((span) => !evidenceOccurs(facts.pair, span));
  if (invented !== undefined) return wrong(`"${invented.text}" is not in the ${invented.source}`);
  return { status: 'verified', reason: 'the rule decides here, and what it quotes stands there' };
}

/** What would have to be known to tell whether a rule applies; undefined where it clearly does not. */
function missingFact(rule: Rule, { intent, documentType, category }: Facts): string | undefined {
  if (rule.scope !== undefined && category === undefined) return 'the category of the pair is unknown';
  const isReadInFull = intent.unknown.length === 0;
  const notUnderstood = `not known: ${intent.unknown.map((word) => `"${word}"`).join(', ')}`;
  switch (rule.when.kind) {
    case 'type':
      if (intent.type === undefined) return 'the type the query asks for is unknown';
      return documentType === undefined ? 'the type of the document is unknown' : undefined;
    case 'accessory':
      return intent.type === undefined ? 'the type the query asks for is unknown' : undefined;
    case 'brand':
      return intent.brand === undefined && !isReadInFull ? notUnderstood : undefined;
    case 'attribute':
      return intent.wishes.length === 0 && !isReadInFull ? notUnderstood : undefined;
    case 'audience':
      return intent.audience === undefined && !isReadInFull ? notUnderstood : undefined;
    case 'quantity':
    case 'negation':
    case 'unasked':
    case 'unasked-word':
    case 'overlap':
    case 'phrase':
    case 'query-length':
      return undefined;
    default:
      return rule.when satisfies never;
  }
}

function wrong(reason: string): StepCheck {
  return { status: 'wrong', reason };
}
