/**
 * How good the reasoning is, told for head and tail rules apart: a model that forgets rare rules shows it here while
 * its accuracy hardly moves. A completion that does not parse cites nothing.
 */
import { LabError } from '../../common/errors.ts';
import type { ParsedTrace, Trace } from '../trace/trace.ts';

/** A completion and the trace it should have been. */
export interface ReasonedCase {
  readonly gold: Trace;
  readonly parsed: ParsedTrace;
}

/** How well rules are cited; null where there was none to cite, or none cited. */
export interface CitationMetrics {
  /** Gold rules that were cited, of all gold rules. */
  readonly recall: number | null;
  /** Cited rules that are in gold, of all rules cited (each once per completion). */
  readonly precision: number | null;
  readonly goldCount: number;
  readonly citedCount: number;
}

/**
 * Recall and precision of citing rules, counted over (completion, rule) pairs: for all rules, for head and for tail.
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

/** How many different rules a set of completions cites: the breadth of the reasoning. */
export function distinctRulesCited(completions: readonly ParsedTrace[]): number {
  return new Set(completions.flatMap((parsed) => [...citedRules(parsed)])).size;
}

/** The share of completions that do not parse. @throws {LabError} `bad-shape` without completions. */
export function invalidFormatRate(completions: readonly ParsedTrace[]): number {
  assertSome('invalidFormatRate', completions);
  return completions.filter(({ ok }) => !ok).length / completions.length;
}

/**
 * Of the completions that parse, the share whose steps lead to the label they state first; null if none parses.
 *
 * @param impliedByTrace - the label that the steps of a trace lead to; undefined, if they decide nothing, is no agreement.
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
 * Different completions as a share of all, near 0 for a collapsed sampler.
 *
 * @param completions - each as one text, such as its token ids joined.
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
