/**
 * The completion of a model as a typed value, and its one grammar:
 *
 *     completion := label step* label eos
 *     step       := rule criterion evidence{0..2} verdict
 *     evidence   := source text
 *
 * The first label is the answer; the last one restates it after the reasoning. Every reward, metric and view uses
 * this file; nothing else takes completions apart.
 */
import type { Criterion, EvidenceSource, Verdict } from './vocabulary.ts';

/** A span copied from the query or the document. `text` is trimmed and case-folded. */
export interface Evidence {
  readonly source: EvidenceSource;
  readonly text: string;
}

/** One step of reasoning. `rule` is the index of the rule in its instruction. */
export interface TraceStep {
  readonly rule: number;
  readonly criterion: Criterion;
  readonly evidence: readonly Evidence[];
  readonly verdict: Verdict;
}

/** A whole completion. */
export interface Trace {
  readonly scaleSize: number;
  readonly label: number;
  readonly steps: readonly TraceStep[];
  readonly restated: number;
}
