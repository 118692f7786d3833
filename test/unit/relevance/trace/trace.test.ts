import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../../src/common/errors.ts';
import { DEFAULT_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { type Segment, special, words } from '../../../../src/relevance/trace/segments.ts';
import { foldText } from '../../../../src/relevance/pair/plain-folding.ts';
import {
  COMPLETION_ORDERS,
  formatTrace,
  inOrder,
  parseTrace,
  printTrace,
  type Trace,
  TraceParser,
} from '../../../../src/relevance/trace/trace.ts';
import { traceTokenMeaning } from '../../../../src/relevance/trace/trace-token.ts';
import {
  CRITERIA,
  criterionToken,
  EOS,
  EVIDENCE_SOURCES,
  evidenceToken,
  labelToken,
  MAX_RULES,
  PAD,
  QUERY,
  ruleToken,
  SPECIAL_TOKENS,
  VERDICTS,
  verdictToken,
} from '../../../../src/relevance/pair/vocabulary.ts';

const evidenceText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map(foldText)
  .filter((text) => text !== '');
const anyTrace: fc.Arbitrary<Trace> = fc.integer({ min: 2, max: 6 }).chain((scaleSize) =>
  fc.record({
    scaleSize: fc.constant(scaleSize),
    label: fc.integer({ min: 0, max: scaleSize - 1 }),
    steps: fc.array(
      fc.record({
        rule: fc.integer({ min: 0, max: MAX_RULES - 1 }),
        criterion: fc.constantFrom(...CRITERIA),
        evidence: fc.array(fc.record({ source: fc.constantFrom(...EVIDENCE_SOURCES), text: evidenceText }), {
          maxLength: 2,
        }),
        verdict: fc.constantFrom(...VERDICTS),
      }),
      { maxLength: 5 },
    ),
    restated: fc.integer({ min: 0, max: scaleSize - 1 }),
  }),
);
const anySegment: fc.Arbitrary<Segment> = fc.oneof(
  fc.constantFrom(...SPECIAL_TOKENS).map(special),
  fc.string({ maxLength: 4 }).map((text) => ({ kind: 'text' as const, text })),
);

const GOLD: Trace = {
  scaleSize: 4,
  label: 1,
  steps: [
    {
      rule: 3,
      criterion: 'brand',
      evidence: [
        { source: 'query', text: 'zorvex' },
        { source: 'document', text: 'blim' },
      ],
      verdict: 'mismatch',
    },
    { rule: 7, criterion: 'overall', evidence: [], verdict: 'near' },
  ],
  restated: 1,
};

describe('printTrace and parseTrace', () => {
  it('follow the grammar', () => {
    expect(printTrace(GOLD)).toEqual([
      special(labelToken(4, 1)),
      special(ruleToken(3)),
      special(criterionToken('brand')),
      special(evidenceToken('query')),
      words('zorvex'),
      special(evidenceToken('document')),
      words('blim'),
      special(verdictToken('mismatch')),
      special(ruleToken(7)),
      special(criterionToken('overall')),
      special(verdictToken('near')),
      special(labelToken(4, 1)),
      special(EOS),
    ]);
  });

  it('round-trip from traces, with or without padding and with the text in pieces', () => {
    fc.assert(
      fc.property(anyTrace, fc.integer({ min: 0, max: 3 }), (trace, padding) => {
        const segments = printTrace(trace);
        const padded = [...segments, ...Array<Segment>(padding).fill(special(PAD))];
        expect(parseTrace(padded, trace.scaleSize)).toEqual({ ok: true, trace, answer: trace.label });
        expect(parseTrace(segments.flatMap(inCharacters))).toEqual({ ok: true, trace, answer: trace.label });
      }),
    );
  });

  it.each(COMPLETION_ORDERS)('round-trip in the order %s, as far as it can express a trace', (order) => {
    fc.assert(
      fc.property(anyTrace, (whole) => {
        const trace = inOrder(whole, order);
        expect(inOrder(trace, order)).toEqual(trace);
        const segments = printTrace(trace, order);
        expect(parseTrace(segments, trace.scaleSize, order)).toEqual({ ok: true, trace, answer: trace.label });
        expect(parseTrace(segments.flatMap(inCharacters), undefined, order)).toMatchObject({ trace });
      }),
    );
  });

  it('write and read the label once, after the reasoning or without any', () => {
    const [label, eos] = [special(labelToken(4, 1)), special(EOS)];
    const reasoned = printTrace(GOLD).slice(1);
    expect(printTrace(GOLD, 'reason-first')).toEqual(reasoned);
    expect(printTrace({ ...GOLD, steps: [] }, 'label-only')).toEqual([label, eos]);
    expect(parseTrace([label, label, eos], 4, 'label-only')).toMatchObject({ ok: false, answer: 1 });
    expect(parseTrace([label, eos], 4)).toMatchObject({ ok: false, failure: { position: 1 } });
    expect(parseTrace(printTrace(GOLD), 4, 'reason-first')).toMatchObject({ ok: false, failure: { position: 1 } });
    // An order that reasons first has an answer only after its label.
    expect(parseTrace(reasoned.slice(0, -2), 4, 'reason-first')).toMatchObject({ ok: false, answer: undefined });
    expect(() => printTrace(GOLD, 'label-only')).toThrow(/a label, restated, and no steps/u);
    expect(() => printTrace({ ...GOLD, restated: 2 }, 'reason-first')).toThrow(/in the order reason-first/u);
  });

  it('keep the part of a trace that an order can express', () => {
    const unsure = { ...GOLD, restated: 2 };
    expect(inOrder(unsure, 'answer-first')).toEqual(unsure);
    expect(inOrder(unsure, 'reason-first')).toEqual(GOLD);
    expect(inOrder(unsure, 'label-only')).toEqual({ ...GOLD, steps: [] });
  });

  it('round-trip from segments: whatever parses prints to the same segments', () => {
    fc.assert(
      fc.property(grammarWalk(), (segments) => {
        const parsed = parseTrace(segments);
        expect(parsed.ok).toBe(true);
        if (parsed.ok) expect(parseTrace(printTrace(parsed.trace))).toEqual(parsed);
        if (parsed.ok) expect(specials(printTrace(parsed.trace))).toEqual(specials(segments));
      }),
    );
  });

  it('never throw, whatever a model writes', () => {
    let failed = 0;
    fc.assert(
      fc.property(fc.array(anySegment, { maxLength: 20 }), (segments) => {
        const parsed = parseTrace(segments, 4);
        if (parsed.ok) return;
        failed += 1;
        expect(parsed.failure.position).toBeLessThanOrEqual(segments.length);
      }),
    );
    expect(failed).toBeGreaterThan(0);
  });

  it('refuse to print traces that would not parse', () => {
    expect(() => printTrace({ ...GOLD, label: 4 })).toThrow(/its label\. Expected 0 to 3\. Got 4/);
    expect(errorOf(() => printTrace({ ...GOLD, label: 4 })).code).toBe('bad-trace');
    const unsure = errorOf(() => printTrace({ ...GOLD, restated: 2 }, 'reason-first'));
    expect(unsure.code).toBe('bad-trace');
    expect(unsure.message).toMatch(/Expected a label, restated\. Got label 1, 2 steps, restated 2/u);
    expect(() => printTrace({ ...GOLD, scaleSize: 1 })).toThrow(/its scale/);
    expect(() => printTrace(withStep({ rule: MAX_RULES }))).toThrow(/rule of step 0\. Expected 0 to 47\. Got 48/);
    for (const wrong of [-1, 0.5]) {
      expect(() => printTrace({ ...GOLD, label: wrong })).toThrow(/its label/);
      expect(() => printTrace({ ...GOLD, restated: wrong })).toThrow(/its restated label\. Expected 0 to 3\./);
      expect(() => printTrace(withStep({ rule: wrong }))).toThrow(/rule of step 0/);
    }
    const three = ['a', 'b', 'c'].map((text) => ({ source: 'query' as const, text }));
    expect(() => printTrace(withStep({ evidence: three }))).toThrow(/evidence of step 0/);
    expect(() => printTrace(withStep({ evidence: [{ source: 'query', text: ' ' }] }))).toThrow(/evidence of step 0/);
  });
});

describe('TraceParser', () => {
  it('reports what each segment completes', () => {
    const parser = new TraceParser(4);
    expect([parser.answer, parser.steps]).toEqual([undefined, []]);
    const kinds = printTrace(GOLD).map((segment) => parser.push(segment)?.kind);
    expect([parser.answer, parser.steps]).toEqual([1, GOLD.steps]);
    const none = undefined;
    expect(kinds).toEqual([
      'label', none, none, none, none, none, none, 'step', none, none, 'step', 'restated', 'end',
    ]); // prettier-ignore
    expect(parser.isOver).toBe(true);
    expect(parser.allowedNext()).toEqual([]);
  });

  it('numbers steps from 0, and reports a failure once', () => {
    const parser = new TraceParser(4);
    const events = printTrace(GOLD).flatMap((segment) => parser.push(segment) ?? []);
    expect(events.flatMap((event) => (event.kind === 'step' ? [event.index] : []))).toEqual([0, 1]);

    const failing = new TraceParser(4);
    expect(failing.push(special(EOS))).toMatchObject({ kind: 'failed', failure: { got: EOS } });
    expect(failing.push(words('more'))).toBeUndefined();
    expect(failing.finish()).toMatchObject({ ok: false, failure: { position: 0, got: EOS } });
  });

  it('joins and trims evidence that comes in pieces', () => {
    const segments = [labelToken(4, 0), ruleToken(0), criterionToken('type'), evidenceToken('query')].map(special);
    const ending = [verdictToken('match'), labelToken(4, 0), EOS].map(special);
    const pieces: Segment[] = [' Zor', 'vex', '  pro ', ''].map((text) => ({ kind: 'text', text }));
    const parsed = parseTrace([...segments, ...pieces, ...ending]);
    expect(parsed.ok && parsed.trace.steps[0]?.evidence).toEqual([{ source: 'query', text: 'zorvex pro' }]);
  });

  it('keeps the answer when the reasoning fails', () => {
    const parsed = parseTrace([special(labelToken(4, 2)), special(ruleToken(1)), special(ruleToken(2))]);
    expect(parsed).toEqual({
      ok: false,
      failure: { position: 2, expected: 'criterion', got: '<|rule:2|>' },
      answer: 2,
      steps: [],
    });
  });

  it('reports the token or text it got, and the scale it expected if any', () => {
    const failureOf = (segments: readonly Segment[], scaleSize?: number): unknown => {
      const parsed = parseTrace(segments, scaleSize);
      return parsed.ok ? 'none' : parsed.failure;
    };
    expect(failureOf([{ kind: 'text', text: 'yes' }], 4)).toEqual({
      position: 0,
      expected: 'label of 4',
      got: 'text "yes"',
    });
    expect(failureOf([special(QUERY)])).toEqual({ position: 0, expected: 'label', got: QUERY });
  });

  it.each<[string, Segment[], number, string]>([
    ['text before the label', [words('yes')], 0, 'label of 4'],
    ['a label of another scale', [special(labelToken(2, 1))], 0, 'label of 4'],
    [
      'a restated label of another scale',
      [special(labelToken(4, 1)), special(labelToken(5, 1))],
      1,
      'rule or label of 4',
    ],
    ['an end without a restated label', [special(labelToken(4, 1)), special(EOS)], 1, 'rule or label of 4'],
    ['no segments', [], 0, 'label of 4'],
    ['a prompt token', [special(labelToken(4, 1)), special(QUERY)], 1, 'rule or label of 4'],
    ['a token that does not exist', [special(labelToken(4, 1)), special('<|nonsense|>')], 1, 'rule or label of 4'],
    ['a label beyond the scale', [special(labelToken(4, 4))], 0, 'label of 4'],
    ['empty evidence', openEvidence(special(verdictToken('match'))), 4, 'text'],
    ['blank evidence', openEvidence(words(' '), special(verdictToken('match'))), 5, 'text'],
    [
      'a third piece of evidence',
      openEvidence(words('a'), special(evidenceToken('query')), words('b'), special(evidenceToken('query'))),
      7,
      'text or verdict',
    ],
    ['a segment after the end', [...printTrace(GOLD), special(EOS)], 13, 'nothing more'],
    ['a completion cut short', printTrace(GOLD).slice(0, -1), 12, 'eos'],
  ])('fails on %s', (_, segments, position, expected) => {
    const parsed = parseTrace(segments, 4);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.failure).toMatchObject({ position, expected });
  });

  it('allows exactly the tokens it then accepts', () => {
    fc.assert(
      fc.property(anyTrace, fc.nat(30), anySegment, (trace, length, probe) => {
        const parser = new TraceParser(trace.scaleSize);
        for (const segment of printTrace(trace).slice(0, length)) parser.push(segment);
        fc.pre(!parser.isOver);
        const meaning = probe.kind === 'special' ? traceTokenMeaning(probe.token) : undefined;
        const kind = probe.kind === 'text' ? 'text' : meaning?.kind;
        const isAllowed =
          kind !== undefined &&
          parser.allowedNext().includes(kind) &&
          (meaning?.kind !== 'label' || meaning.scaleSize === trace.scaleSize);
        expect(parser.push(probe)?.kind === 'failed').toBe(!isAllowed);
      }),
    );
  });
});

describe('formatTrace', () => {
  it('prints a trace as readable lines', () => {
    expect(formatTrace(GOLD, (rule) => `R${rule}`, DEFAULT_SCALE)).toBe(
      'label 1 partial\n  R3: brand mismatch (query "zorvex", document "blim")\n  R7: overall near\nrestated 1 partial',
    );
    expect(formatTrace({ ...GOLD, steps: [] }, String)).toBe('label 1\nrestated 1');
  });
});

/** Random completions that follow what the parser allows. */
function grammarWalk(): fc.Arbitrary<Segment[]> {
  return fc.array(fc.nat(), { minLength: 60, maxLength: 60 }).map((choices) => {
    const parser = new TraceParser(3);
    const out: Segment[] = [];
    const emit = (segment: Segment): void => {
      parser.push(segment);
      out.push(segment);
    };
    for (const choice of choices) {
      if (parser.isOver) break;
      const allowed = parser.allowedNext();
      const kind = allowed[choice % allowed.length];
      if (kind === 'text') emit({ kind: 'text', text: choice % 3 === 0 ? ' Ab' : ' c ' });
      const tokens = SPECIAL_TOKENS.filter((token) => {
        const meaning = traceTokenMeaning(token);
        return meaning?.kind === kind && (meaning?.kind !== 'label' || meaning.scaleSize === 3);
      });
      const token = tokens[choice % Math.max(tokens.length, 1)];
      if (kind !== 'text' && token !== undefined) emit(special(token));
    }
    while (!parser.isOver) {
      const kind = parser.allowedNext().find((allowed) => allowed !== 'rule' && allowed !== 'evidence');
      const allowed = parser.allowedNext();
      if (allowed.includes('verdict')) emit(special(verdictToken('match')));
      else if (allowed.includes('label')) emit(special(labelToken(3, 1)));
      else if (kind === 'text') emit(words('x'));
      else emit(special(kind === 'criterion' ? criterionToken('type') : EOS));
    }
    return out;
  });
}

function openEvidence(...rest: Segment[]): Segment[] {
  return [labelToken(4, 1), ruleToken(0), criterionToken('type'), evidenceToken('query')].map(special).concat(rest);
}

function errorOf(act: () => unknown): LabError {
  try {
    act();
  } catch (error) {
    if (error instanceof LabError) return error;
  }
  return expect.fail('expected a LabError');
}

function withStep(change: Partial<Trace['steps'][number]>): Trace {
  return { ...GOLD, steps: GOLD.steps.map((step, i) => (i === 0 ? { ...step, ...change } : step)) };
}

function inCharacters(segment: Segment): Segment[] {
  return segment.kind === 'special' ? [segment] : segment.text.split('').map((text) => ({ kind: 'text', text }));
}

function specials(segments: readonly Segment[]): Segment[] {
  return segments.filter((segment) => segment.kind === 'special');
}
