/**
 * The completion of a model as a typed value, and its one grammar:
 *
 *     completion := label step* label eos
 *     step       := rule criterion evidence{0..2} verdict
 *     evidence   := source text
 *
 * The first label is the answer; the last one restates it after the reasoning. To be compared with, there are two other
 * orders, in which the label stands once: after the reasoning, or without any (COMPLETION_ORDERS). Every reward, metric and view uses
 * this file; nothing else takes completions apart. A model may write anything, so the parser never throws: it reads one
 * segment at a time, tells what has been completed, and on a break of the grammar says where and what it expected.
 * The answer stands once its label has come, whatever becomes of the reasoning.
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
 * The orders of a completion. All of the lab answers first; the others are there to be compared with (E6):
 *
 *     answer-first   label step* label eos
 *     reason-first   step* label eos
 *     label-only     label eos
 */
export const COMPLETION_ORDERS = ['answer-first', 'reason-first', 'label-only'] as const;
export type CompletionOrder = (typeof COMPLETION_ORDERS)[number];

/** The most spans one step can point at. */
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
  /** In an order in which the label stands once, that label. */
  readonly restated: number;
}

/** Where and how a completion breaks the grammar. */
export interface TraceFailure {
  /** Index of the segment that could not be read; the number of segments if the completion ended too early. */
  readonly position: number;
  readonly expected: string;
  readonly got: string;
}

/** What one more segment completed. */
export type TraceEvent =
  | { readonly kind: 'label'; readonly scaleSize: number; readonly label: number }
  | { readonly kind: 'step'; readonly index: number; readonly step: TraceStep }
  | { readonly kind: 'restated'; readonly label: number }
  | { readonly kind: 'end'; readonly trace: Trace }
  | { readonly kind: 'failed'; readonly failure: TraceFailure };

/** A completion as far as it could be read: `answer` is there as soon as the first label is. */
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

  /** @param scaleSize - R of the prompt; without it the first label token decides, and the last must be of its scale. */
  constructor(scaleSize?: number, order: CompletionOrder = 'answer-first') {
    this.#scaleSize = scaleSize;
    this.#order = order;
  }

  /** Whether the completion is over, by its end token or by a failure. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** The first label, once it has come. */
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
    // Completions of one batch are padded to one length.
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

  /** The completion as a whole, given that no more segments come: one that has not ended is a failure. Never throws. */
  finish(): ParsedTrace {
    const end = this.#end ?? this.#fail('the end of the completion');
    if (end.kind === 'end') return { ok: true, trace: end.trace, answer: end.trace.label };
    return { ok: false, failure: end.failure, answer: this.#label, steps: this.#steps };
  }

  /** Which kinds of tokens may come next; empty once the completion is over. For decoding that is held to the grammar. */
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

  /** Takes a special token that is known to be allowed. */
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

/** Reads a whole completion; never throws. `scaleSize` as in {@link TraceParser}. */
export function parseTrace(segments: readonly Segment[], scaleSize?: number, order?: CompletionOrder): ParsedTrace {
  const parser = new TraceParser(scaleSize, order);
  for (const segment of segments) parser.push(segment);
  return parser.finish();
}

/**
 * A completion as segments, the inverse of {@link parseTrace}; evidence is folded on the way.
 *
 * @throws {LabError} `bad-trace` if a label, rule or piece of evidence cannot be written, or not in this order
 */
export function printTrace(trace: Trace, order: CompletionOrder = 'answer-first'): Segment[] {
  checkTrace(trace);
  checkOrder(trace, order);
  const label = (value: number): Segment => special(labelToken(trace.scaleSize, value));
  const reasoned = [...trace.steps.flatMap(printStep), label(trace.restated), special(EOS)];
  return order === 'answer-first' ? [label(trace.label), ...reasoned] : reasoned;
}

/** A trace as far as an order can tell it: without steps where there is the label alone, with the answer restated. */
export function inOrder(trace: Trace, order: CompletionOrder): Trace {
  if (order === 'answer-first') return trace;
  return { ...trace, steps: order === 'label-only' ? [] : trace.steps, restated: trace.label };
}

/** A completion in lines for people; `ruleName` names a rule by its index, `scale` its labels. */
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

/** Where the label stands once, there is no room for another. */
function checkOrder({ label, steps, restated }: Trace, order: CompletionOrder): void {
  const isTold = order === 'answer-first' || (label === restated && (order === 'reason-first' || steps.length === 0));
  if (isTold) return;
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
