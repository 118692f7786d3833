/**
 * Rules alone: executed on a pair, they give its label and the reasons for it, without a model. A rule is never unsure,
 * so that a label has nearly all of the probability; the little that is left orders equal labels by BM25.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import { argMaxLabel, expectedLabel, type LabelScale } from '../relevance/pair/labels.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import type { FoldingVersion } from '../relevance/pair/folding.ts';
import { execute, traceOf } from '../relevance/rules/execute.ts';
import { canonicalJson } from '../relevance/rules/instruction.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import { spokenStep } from '../relevance/rules/spoken-step.ts';
import { readPair } from '../relevance/rules/typed-document.ts';
import type { Trace } from '../relevance/trace/trace.ts';
import type { LabelScore } from './score.ts';

/** Rules that answer in place of a model. */
export interface RulesModel extends Rules {
  readonly kind: 'rules';
  readonly scale: LabelScale;
  readonly prompt: { readonly standing: true; readonly folding: FoldingVersion | undefined };
  readonly card: { readonly name: string; readonly data: { readonly queries?: undefined } };
}

/** The probability that orders equal labels; too little to change one. */
const ORDER_SHARE = 0.02;
/** Pairs between two pauses for messages. */
const PAUSE_EVERY = 512;

/** What rules are called where models have names. */
export function rulesModel(rules: Rules & { readonly scale: LabelScale }, name: string): RulesModel {
  const { instruction, lexicon, tailRules, readsTitles, scale } = rules;
  if (instruction.rules.length === 0) {
    throw new LabError('bad-config', { message: `${name} has no rules.`, fix: 'Choose another model.' });
  }
  const prompt = { standing: true, folding: lexicon.folding.version } as const;
  return {
    kind: 'rules',
    instruction,
    lexicon,
    tailRules,
    readsTitles,
    scale,
    prompt,
    card: { name: `rules of ${name}`, data: {} },
  };
}

/** Whether rules answer in place of a model. */
export function isRules(model: RulesModel | object): model is RulesModel {
  return 'kind' in model && model.kind === 'rules';
}

/** Text that is equal for equal rules alone; its hash identifies scores by them. */
export function identityOf({ instruction, lexicon }: Pick<Rules, 'instruction' | 'lexicon'>): string {
  return canonicalJson([instruction, lexicon.data]);
}

/** What rules say of a pair. @throws {LabError} `bad-config` if none fires, so that they cannot judge it */
export function answerByRules(model: RulesModel, pair: Pair): { readonly score: LabelScore; readonly trace: Trace } {
  const execution = execute(model.instruction, model.lexicon, readPair(model, pair));
  const trace = traceOf(model.instruction, execution);
  if (trace === undefined) {
    throw new LabError('bad-config', { message: 'No rule fires on it.', fix: 'Add a rule for what is left.' });
  }
  const probabilities = distributionOf(trace.label, model.scale.size, pair.standing?.relative ?? 0);
  const score = { label: argMaxLabel(probabilities), probabilities, score: expectedLabel(probabilities), labelMass: 1 };
  return { score, trace };
}

/** The label that rules lead to for a pair, and the sentence of the first of them that decides; undefined if none does. */
export function firstReason(
  rules: Rules,
  pair: Pair,
): { readonly label: number; readonly sentence: string } | undefined {
  const { instruction, lexicon } = rules;
  const trace = traceOf(instruction, execute(instruction, lexicon, readPair(rules, pair)));
  const [first] = trace?.steps ?? [];
  if (trace === undefined || first === undefined) return undefined;
  return { label: trace.label, sentence: spokenStep(instruction.rules[first.rule]?.text ?? '', first) };
}

/** The reasons of a trace as people read them. */
export function spokenTrace({ instruction }: Rules, { steps }: Trace): string[] {
  return steps.map((step) => spokenStep(instruction.rules[step.rule]?.text ?? '', step));
}

/** The answers to pairs as they arrive; `onUnfit` as for models. */
export async function* scoreByRules<T extends { readonly pair: Pair }>(
  model: RulesModel,
  items: AsyncIterable<T>,
  signal: AbortSignal | undefined,
  onUnfit: ((item: T, error: LabError) => void) | undefined,
): AsyncGenerator<{ readonly item: T; readonly score: LabelScore }> {
  let seen = 0;
  for await (const item of items) {
    seen += 1;
    if (seen % PAUSE_EVERY === 0) await yieldToMessages();
    throwIfAborted(signal);
    try {
      yield { item, score: answerByRules(model, item.pair).score };
    } catch (error) {
      if (onUnfit === undefined || !(error instanceof LabError)) throw error;
      onUnfit(item, error);
    }
  }
}

/**
 * Nearly all on the label, the rest on its neighbours: above for documents that BM25 finds better, below for others.
 */
function distributionOf(label: number, size: number, relative: number): number[] {
  const probabilities = Array<number>(size).fill(0);
  probabilities[label] = 1 - ORDER_SHARE;
  const [above, below] = [Math.min(label + 1, size - 1), Math.max(label - 1, 0)];
  probabilities[above] = (probabilities[above] ?? 0) + ORDER_SHARE * relative;
  probabilities[below] = (probabilities[below] ?? 0) + ORDER_SHARE * (1 - relative);
  return probabilities;
}
