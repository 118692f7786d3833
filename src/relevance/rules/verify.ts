/**
 * Verifies reasoning: each step of a trace is executed on its pair, so that a step shown to a person is verified, wrong
 * or explicitly uncheckable, and never taken on trust.
 */
import { evidenceOccurs } from './evidence.ts';
import { type Execution, executeFacts } from './execute.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Rule } from './instruction.ts';
import type { Pair } from '../pair/pair.ts';
import type { Rules } from './rules.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';
import { readPair } from './typed-document.ts';

/** The outcome for one step, with a short reason. */
export interface StepCheck {
  readonly status: 'verified' | 'wrong' | 'uncheckable';
  readonly reason: string;
}

/** Whether the verified steps of a trace lead to the label it states. */
export interface TraceAgreement {
  /** `uncheckable` if no step is verified. */
  readonly status: 'agree' | 'disagree' | 'uncheckable';
  /** The lowest cap of the verified steps. */
  readonly impliedLabel: number | undefined;
  /** One per step. */
  readonly checks: readonly StepCheck[];
}

/**
 * Checks claims about one pair against the rules of a model. The pair is read as the model reads it, title included.
 * The rules are executed on it once, when the first step is checked.
 */
export class PairChecker {
  readonly #rules: Pick<Rules, 'instruction' | 'lexicon' | 'readsTitles'>;
  readonly #pair: Pair;
  #read: { readonly facts: Facts; readonly execution: Execution } | undefined;

  constructor(rules: Pick<Rules, 'instruction' | 'lexicon' | 'readsTitles'>, pair: Pair) {
    this.#rules = rules;
    this.#pair = pair;
  }

  /** The execution of the rules on the pair. */
  get execution(): Execution {
    return this.#readings().execution;
  }

  /**
   * Executes the cited rule and compares: the rule must win its criterion on the pair, the verdict must equal the
   * executed one, and every evidence span must occur in its source as whole words.
   */
  checkStep(step: TraceStep): StepCheck {
    const { instruction } = this.#rules;
    const rule = instruction.rules[step.rule];
    if (rule === undefined) return wrong(`the instruction has no rule ${step.rule}`);
    if (rule.criterion !== step.criterion) return wrong(`the rule is about ${rule.criterion}, not ${step.criterion}`);
    const { facts, execution } = this.#readings();
    const winner = execution.findings.find(({ criterion }) => criterion === rule.criterion);
    if (winner?.rule !== step.rule) {
      if (winner !== undefined) return wrong(`"${instruction.rules[winner.rule]?.id ?? winner.rule}" decides instead`);
      const missing = missingFact(rule, facts);
      return missing === undefined ? wrong('the rule does not apply') : { status: 'uncheckable', reason: missing };
    }
    if (winner.verdict !== step.verdict) return wrong(`the verdict is ${winner.verdict}, not ${step.verdict}`);
    for (const { source } of winner.evidence) {
      if (!step.evidence.some((span) => span.source === source)) return wrong(`cites nothing from the ${source}`);
    }
    const invented = step.evidence.find((span) => !evidenceOccurs(facts.words.folding, facts.pair, span));
    if (invented !== undefined) return wrong(`"${invented.text}" is not in the ${invented.source}`);
    return { status: 'verified', reason: 'the rule decides its criterion, and its evidence is in the pair' };
  }

  /** Checks every step of a trace, and its label against the lowest cap of the verified steps. */
  checkTrace(trace: Trace): TraceAgreement {
    const { instruction } = this.#rules;
    const checks = trace.steps.map((step) => this.checkStep(step));
    const caps = trace.steps
      .filter((_, index) => checks[index]?.status === 'verified')
      .map(({ rule }) => instruction.rules[rule]?.cap ?? instruction.scaleSize - 1);
    if (caps.length === 0) return { status: 'uncheckable', impliedLabel: undefined, checks };
    const impliedLabel = Math.min(...caps);
    return { status: impliedLabel === trace.label ? 'agree' : 'disagree', impliedLabel, checks };
  }

  #readings(): { readonly facts: Facts; readonly execution: Execution } {
    const { instruction, lexicon } = this.#rules;
    if (this.#read === undefined) {
      const facts = readFacts(lexicon, readPair(this.#rules, this.#pair));
      this.#read = { facts, execution: executeFacts(instruction, facts) };
    }
    return this.#read;
  }
}

/** The missing fact that decides whether a rule applies; undefined if the rule clearly does not apply. */
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
