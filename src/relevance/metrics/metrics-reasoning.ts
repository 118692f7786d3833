/**
 * Metrics of the reasoning, reported for head and tail rules separately, because a model that forgets rare rules shows
 * it here while its accuracy hardly moves. A completion that does not parse cites nothing.
 */
import { LabError } from '../../common/errors.ts';
import type { ParsedTrace, Trace } from '../trace/trace.ts';

/** A completion and its gold trace. */
export interface ReasonedCase {
  readonly gold: Trace;
  readonly parsed: ParsedTrace;
}

/** How well rules are cited; a ratio is null where its denominator is zero. */
export interface CitationMetrics {
  /** The share of gold rules that were cited. */
  readonly recall: number | null;
  /** The share of cited rules that are in gold (each rule counted once per completion). */
  readonly precision: number | null;
  readonly goldCount: number;
  readonly citedCount: number;
}

/**
 * Recall and precision of rule citations, counted over (completion, rule) pairs: for all, head and tail rules.
 *
 * @throws {LabError} `bad-shape` without cases.
 */
export function ruleCitations(
  cases: readonly ReasonedCase[],
  isTail: (rule: number) => boolean,
): { readonly all: CitationMetrics; readonly head: CitationMetrics; readonly tail: CitationMetrics } {
  assertSome('ruleCitations', cases);
  return {
    all: citations(cases, () => true),
    head: citations(cases, (rule) => !isTail(rule)),
    tail: citations(cases, isTail),
  };
}

/** The number of distinct rules that a set of completions cites: the breadth of the reasoning. */
export function distinctRulesCited(completions: readonly ParsedTrace[]): number {
  return new Set(completions.flatMap((parsed) => [...citedRules(parsed)])).size;
}

/** The share of completions that do not parse. @throws {LabError} `bad-shape` without completions. */
export function invalidFormatRate(completions: readonly ParsedTrace[]): number {
  assertSome('invalidFormatRate', completions);
  return completions.filter(({ ok }) => !ok).length / completions.length;
}

/**
 * The share, among completions that parse, whose steps lead to the label stated first; null if none parses.
 *
 * @param impliedByTrace - the label that the steps lead to; undefined if they decide nothing, which is no agreement
 * @throws {LabError} `bad-shape` without completions.
 */
export function labelTraceAgreement(
  completions: readonly ParsedTrace[],
  impliedByTrace: (trace: Trace) => number | undefined,
): number | null {
  assertSome('labelTraceAgreement', completions);
  const traces = completions.flatMap((parsed) => (parsed.ok ? [parsed.trace] : []));
  return ratio(traces.filter((trace) => impliedByTrace(trace) === trace.label).length, traces.length);
}

/**
 * Distinct completions as a share of all; near 0 for a collapsed sampler.
 *
 * @param completions - each as one string, such as its joined token ids
 * @throws {LabError} `bad-shape` without completions.
 */
export function distinctCompletionShare(completions: readonly string[]): number {
  assertSome('distinctCompletionShare', completions);
  return new Set(completions).size / completions.length;
}

function citations(cases: readonly ReasonedCase[], isCounted: (rule: number) => boolean): CitationMetrics {
  let goldCount = 0;
  let citedCount = 0;
  let both = 0;
  for (const { gold, parsed } of cases) {
    const wanted = new Set(gold.steps.map(({ rule }) => rule).filter(isCounted));
    const cited = [...citedRules(parsed)].filter(isCounted);
    goldCount += wanted.size;
    citedCount += cited.length;
    both += cited.filter((rule) => wanted.has(rule)).length;
  }
  return { recall: ratio(both, goldCount), precision: ratio(both, citedCount), goldCount, citedCount };
}

function citedRules(parsed: ParsedTrace): Set<number> {
  return new Set(parsed.ok ? parsed.trace.steps.map(({ rule }) => rule) : []);
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function assertSome(metric: string, items: readonly unknown[]): void {
  if (items.length > 0) return;
  throw new LabError('bad-shape', { message: `${metric}: nothing to measure.`, expected: 'at least 1 item', got: '0' });
}
