/**
 * The completion of a model as a typed value, and its only grammar:
 *
 *     completion := label step* label eos
 *     step       := rule criterion evidence{0..2} verdict
 *     evidence   := source text
 *
 * The first label is the answer; the last one restates it after the reasoning. COMPLETION_ORDERS has two other orders
 * for comparison, with a single label: after the reasoning, or without any. All rewards, metrics and views use this
 * file, and no other code parses completions. The parser never throws, because a model may write anything: it reads one
 * segment at a time, reports what is complete, and on a violation of the grammar reports the position and what it
 * expected. The answer is final once its label has been read, whatever follows.
 *
 * This room holds the grammar of completions: its tokens, segments and parser.
 */
import { LabError } from '../../common/errors.ts';
import { type LabelScale, MAX_SCALE, MIN_SCALE } from '../pair/labels.ts';
import { type Segment, special, words } from './segments.ts';
import { foldText } from '../pair/plain-folding.ts';
import { type TraceTokenKind, type TraceTokenMeaning, traceTokenMeaning } from './trace-token.ts';
import {
  type Criterion,
  criterionToken,
  EOS,
  type EvidenceSource,
  evidenceToken,
  labelToken,
  MAX_RULES,
  PAD,
  ruleToken,
  type Verdict,
  verdictToken,
} from '../pair/vocabulary.ts';

/**
 * The orders of a completion. The lab's models answer first; the other orders exist for comparison (E6):
 *
 *     answer-first   label step* label eos
 *     reason-first   step* label eos
 *     label-only     label eos
 */
export const COMPLETION_ORDERS = ['answer-first', 'reason-first', 'label-only'] as const;
export type CompletionOrder = (typeof COMPLETION_ORDERS)[number];

/** The most evidence spans of a step. */
export const MAX_EVIDENCE = 2;

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
  /** Equal to `label` in an order with a single label. */
  readonly restated: number;
}

/** Where and how a completion violates the grammar. */
export interface TraceFailure {
  /** Index of the segment that could not be read; the number of segments if the completion ended too early. */
  readonly position: number;
  readonly expected: string;
  readonly got: string;
}

/** The element that the last segment completed. */
export type TraceEvent =
  | { readonly kind: 'label'; readonly scaleSize: number; readonly label: number }
  | { readonly kind: 'step'; readonly index: number; readonly step: TraceStep }
  | { readonly kind: 'restated'; readonly label: number }
  | { readonly kind: 'end'; readonly trace: Trace }
  | { readonly kind: 'failed'; readonly failure: TraceFailure };

/** A completion as far as it parsed. `answer` is defined if the first label was read. */
export type ParsedTrace =
  | { readonly ok: true; readonly trace: Trace; readonly answer: number }
  | {
      readonly ok: false;
      readonly failure: TraceFailure;
      readonly answer: number | undefined;
      readonly steps: readonly TraceStep[];
    };

/** A step under construction. */
interface OpenStep {
  readonly rule: number;
  criterion?: Criterion;
  readonly evidence: { readonly source: EvidenceSource; text: string }[];
}

/** Reads a completion segment by segment. */
export class TraceParser {
  readonly #steps: TraceStep[] = [];
  readonly #order: CompletionOrder;
  #scaleSize: number | undefined;
  #label: number | undefined;
  #restated: number | undefined;
  #open: OpenStep | undefined;
  #end: Extract<TraceEvent, { kind: 'end' | 'failed' }> | undefined;
  #position = 0;

  /** @param scaleSize - R of the prompt; if absent, the first label token sets the scale that the last must share */
  constructor(scaleSize?: number, order: CompletionOrder = 'answer-first') {
    this.#scaleSize = scaleSize;
    this.#order = order;
  }

  /** Whether the completion is over, by its end token or by a failure. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** The first label; undefined until it is read. */
  get answer(): number | undefined {
    return this.#label;
  }

  /** The steps completed so far. */
  get steps(): readonly TraceStep[] {
    return this.#steps;
  }

  /** Reads one segment, a special token or a piece of text; undefined if it completed nothing. Never throws. */
  push(segment: Segment): TraceEvent | undefined {
    if (this.#end?.kind === 'failed') return undefined;
    // Completions of one batch are padded to the same length.
    if (this.#end?.kind === 'end' && segment.kind === 'special' && segment.token === PAD) return undefined;

    const meaning = segment.kind === 'special' ? traceTokenMeaning(segment.token) : undefined;
    const kind: TraceTokenKind | undefined = segment.kind === 'text' ? 'text' : meaning?.kind;
    const fits = kind !== undefined && this.allowedNext().includes(kind) && this.#isOfScale(meaning);
    if (!fits) return this.#fail(segment.kind === 'text' ? `text "${segment.text}"` : segment.token);

    this.#position++;
    if (segment.kind === 'text') {
      const evidence = this.#open?.evidence.at(-1);
      if (evidence !== undefined) evidence.text += segment.text;
      return undefined;
    }
    return meaning === undefined ? undefined : this.#accept(meaning);
  }

  /** The completion, given that no more segments follow; one without an end token is a failure. Never throws. */
  finish(): ParsedTrace {
    const end = this.#end ?? this.#fail('the end of the completion');
    if (end.kind === 'end') return { ok: true, trace: end.trace, answer: end.trace.label };
    return { ok: false, failure: end.failure, answer: this.#label, steps: this.#steps };
  }

  /** The kinds of tokens that may come next; empty once the completion is over. For grammar-constrained decoding. */
  allowedNext(): readonly TraceTokenKind[] {
    if (this.#end !== undefined) return [];
    if (this.#restated !== undefined) return ['eos'];
    if (this.#label === undefined && this.#order !== 'reason-first') return ['label'];
    if (this.#open === undefined) return ['rule', 'label'];
    const { criterion, evidence } = this.#open;
    if (criterion === undefined) return ['criterion'];
    const last = evidence.at(-1);
    if (last === undefined) return ['evidence', 'verdict'];
    if (foldText(last.text) === '') return ['text'];
    return evidence.length < MAX_EVIDENCE ? ['text', 'evidence', 'verdict'] : ['text', 'verdict'];
  }

  #isOfScale(meaning: TraceTokenMeaning | undefined): boolean {
    return meaning?.kind !== 'label' || this.#scaleSize === undefined || meaning.scaleSize === this.#scaleSize;
  }

  /** Processes a special token that is known to be allowed. */
  #accept(meaning: TraceTokenMeaning): TraceEvent | undefined {
    switch (meaning.kind) {
      case 'label':
        if (this.#label !== undefined) {
          this.#restated = meaning.label;
          return { kind: 'restated', label: meaning.label };
        }
        this.#scaleSize = meaning.scaleSize;
        this.#label = meaning.label;
        if (this.#order !== 'answer-first') this.#restated = meaning.label;
        return { kind: 'label', scaleSize: meaning.scaleSize, label: meaning.label };
      case 'rule':
        this.#open = { rule: meaning.rule, evidence: [] };
        return undefined;
      case 'criterion':
        if (this.#open !== undefined) this.#open.criterion = meaning.criterion;
        return undefined;
      case 'evidence':
        this.#open?.evidence.push({ source: meaning.source, text: '' });
        return undefined;
      case 'verdict':
        return this.#closeStep(meaning.verdict);
      case 'eos':
        return this.#close();
      default:
        return meaning satisfies never;
    }
  }

  #closeStep(verdict: Verdict): TraceEvent | undefined {
    if (this.#open?.criterion === undefined) return undefined;
    const { rule, criterion } = this.#open;
    const evidence = this.#open.evidence.map(({ source, text }) => ({ source, text: foldText(text) }));
    const step: TraceStep = { rule, criterion, evidence, verdict };
    this.#steps.push(step);
    this.#open = undefined;
    return { kind: 'step', index: this.#steps.length - 1, step };
  }

  #close(): TraceEvent | undefined {
    if (this.#scaleSize === undefined || this.#label === undefined || this.#restated === undefined) return undefined;
    const trace = { scaleSize: this.#scaleSize, label: this.#label, steps: this.#steps, restated: this.#restated };
    this.#end = { kind: 'end', trace };
    return this.#end;
  }

  #fail(got: string): Extract<TraceEvent, { kind: 'failed' }> {
    const scale = this.#scaleSize === undefined ? '' : ` of ${this.#scaleSize}`;
    const expected = this.allowedNext().map((kind) => (kind === 'label' ? `label${scale}` : kind));
    const failure = { position: this.#position, expected: expected.join(' or ') || 'nothing more', got };
    const event = { kind: 'failed', failure } as const;
    this.#end = event;
    return event;
  }
}

/** Parses a whole completion. Never throws. `scaleSize` as in {@link TraceParser}. */
export function parseTrace(segments: readonly Segment[], scaleSize?: number, order?: CompletionOrder): ParsedTrace {
  const parser = new TraceParser(scaleSize, order);
  for (const segment of segments) parser.push(segment);
  return parser.finish();
}

/**
 * A completion as segments: the inverse of {@link parseTrace}. Evidence is folded.
 *
 * @throws {LabError} `bad-trace` if a label, rule or piece of evidence is invalid, or the order cannot express the
 *   trace
 */
export function printTrace(trace: Trace, order: CompletionOrder = 'answer-first'): Segment[] {
  checkTrace(trace);
  checkOrder(trace, order);
  const label = (value: number): Segment => special(labelToken(trace.scaleSize, value));
  const reasoned = [...trace.steps.flatMap(printStep), label(trace.restated), special(EOS)];
  return order === 'answer-first' ? [label(trace.label), ...reasoned] : reasoned;
}

/** The part of a trace that an order can express: no steps in label-only, and one label where the order has one. */
export function inOrder(trace: Trace, order: CompletionOrder): Trace {
  if (order === 'answer-first') return trace;
  return { ...trace, steps: order === 'label-only' ? [] : trace.steps, restated: trace.label };
}

/** A completion as readable lines; `ruleName` names a rule by its index, `scale` its labels. */
export function formatTrace(trace: Trace, ruleName: (rule: number) => string, scale?: LabelScale): string {
  const label = (value: number): string => [value, scale?.names[value]].join(' ').trim();
  const steps = trace.steps.map(({ rule, criterion, evidence, verdict }) => {
    const spans = evidence.map(({ source, text }) => `${source} "${text}"`).join(', ');
    return `  ${ruleName(rule)}: ${criterion} ${verdict}${spans === '' ? '' : ` (${spans})`}`;
  });
  return [`label ${label(trace.label)}`, ...steps, `restated ${label(trace.restated)}`].join('\n');
}

function printStep({ rule, criterion, evidence, verdict }: TraceStep): Segment[] {
  return [
    special(ruleToken(rule)),
    special(criterionToken(criterion)),
    ...evidence.flatMap(({ source, text }) => [special(evidenceToken(source)), words(foldText(text))]),
    special(verdictToken(verdict)),
  ];
}

/** An order with one label cannot express a trace whose labels differ. */
function checkOrder({ label, steps, restated }: Trace, order: CompletionOrder): void {
  const isPrintable =
    order === 'answer-first' || (label === restated && (order === 'reason-first' || steps.length === 0));
  if (isPrintable) return;
  throw new LabError('bad-trace', {
    message: `A trace cannot be written in the order ${order}.`,
    expected: order === 'label-only' ? 'a label, restated, and no steps' : 'a label, restated',
    got: `label ${label}, ${steps.length} steps, restated ${restated}`,
  });
}

function checkTrace({ scaleSize, label, steps, restated }: Trace): void {
  const isWhole = (value: number, below: number): boolean => Number.isInteger(value) && value >= 0 && value < below;
  const check = (holds: boolean, place: string, expected: string, got: string): void => {
    if (!holds) throw new LabError('bad-trace', { message: `A trace cannot be written: ${place}.`, expected, got });
  };
  check(isWhole(scaleSize, MAX_SCALE + 1) && scaleSize >= MIN_SCALE, 'its scale', '2 to 6 labels', `${scaleSize}`);
  check(isWhole(label, scaleSize), 'its label', `0 to ${scaleSize - 1}`, `${label}`);
  check(isWhole(restated, scaleSize), 'its restated label', `0 to ${scaleSize - 1}`, `${restated}`);
  for (const [i, { rule, evidence }] of steps.entries()) {
    check(isWhole(rule, MAX_RULES), `the rule of step ${i}`, `0 to ${MAX_RULES - 1}`, `${rule}`);
    const spans = evidence.map(({ text }) => foldText(text));
    const isUsable = spans.length <= MAX_EVIDENCE && !spans.includes('');
    check(isUsable, `the evidence of step ${i}`, `at most ${MAX_EVIDENCE} non-empty spans`, JSON.stringify(spans));
  }
}
