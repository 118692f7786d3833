import { describe, expect, it } from 'vitest';
import { execute, goldTrace } from '../../../../src/relevance/rules/execute.ts';
import { locateEvidence } from '../../../../src/relevance/rules/evidence-places.ts';
import { ruleIndex } from '../../../../src/relevance/rules/instruction.ts';
import { makeLexicon } from '../../../../src/relevance/pair/lexicon.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import type { TraceStep } from '../../../../src/relevance/trace/trace.ts';
import { readPair } from '../../../../src/relevance/rules/typed-document.ts';
import { PairChecker } from '../../../../src/relevance/rules/verify.ts';
import { WORLD_INSTRUCTION } from '../../../../src/relevance/world/world-rules.ts';
import { worldLexicon } from '../../../../src/relevance/world/world-vocabulary.ts';

const LEXICON = makeLexicon(worldLexicon(['zorvex', 'mulano']), currentFolding());
const RULES = { instruction: WORLD_INSTRUCTION, lexicon: LEXICON, readsTitles: false };
const PAIR: Pair = {
  query: 'Zorvex jacket 42',
  document: makeDocument({
    title: 'Mulano wool jacket',
    brand: 'Mulano',
    type: 'jacket',
    attributes: { category: 'clothing', size: 42 },
  }),
};
const BRAND_OTHER: TraceStep = {
  rule: ruleIndex(WORLD_INSTRUCTION, 'brand-other'),
  criterion: 'brand',
  evidence: [
    { source: 'query', text: 'zorvex' },
    { source: 'document', text: 'mulano' },
  ],
  verdict: 'mismatch',
};
const TYPE_DIFFERENT: Partial<TraceStep> = {
  rule: ruleIndex(WORLD_INSTRUCTION, 'type-different'),
  criterion: 'type',
};
const check = (step: Partial<TraceStep>, pair: Pair = PAIR) =>
  new PairChecker(RULES, pair).checkStep({ ...BRAND_OTHER, ...step });

describe('a step', () => {
  it('is verified if it executes', () => {
    expect(check({})).toEqual({
      status: 'verified',
      reason: 'the rule decides its criterion, and its evidence is in the pair',
    });
  });

  it.each<[string, Partial<TraceStep>, RegExp]>([
    ['a rule that does not exist', { rule: 47 }, /no rule 47/u],
    ['another criterion', { criterion: 'type' }, /about brand/u],
    ['another verdict', { verdict: 'absent' }, /verdict is mismatch/u],
    ['a rule of the criterion that does not win', { rule: ruleIndex(WORLD_INSTRUCTION, 'brand-same') }, /brand-other/u],
    ['evidence left out', { evidence: [] }, /cites nothing from the query/u],
    [
      'invented evidence',
      { evidence: [...BRAND_OTHER.evidence, { source: 'document', text: 'mula' }] },
      /"mula" is not in the document/u,
    ],
    [
      'a rule that does not apply',
      { rule: ruleIndex(WORLD_INSTRUCTION, 'audience-same'), criterion: 'audience' },
      /apply/u,
    ],
  ])('is wrong with %s', (_name, step, reason) => {
    const result = check(step);
    expect(result.status).toBe('wrong');
    expect(result.reason).toMatch(reason);
  });

  it('is wrong with a general rule if an exception decides', () => {
    const pair = { ...PAIR, document: { ...PAIR.document, attributes: { category: 'clothing', size: 52 } } };
    const far: Partial<TraceStep> = { rule: ruleIndex(WORLD_INSTRUCTION, 'quantity-far'), criterion: 'quantity' };
    const result = check(far, pair);
    expect(result.status).toBe('wrong');
    expect(result.reason).toContain('clothing-size-other');
  });

  it.each<[string, Pair, Partial<TraceStep>, string]>([
    ['the type asked for', { query: 'zorvex fondue', document: PAIR.document }, TYPE_DIFFERENT, 'query'],
    ['the type offered', { query: 'jacket', document: makeDocument({ title: 'Quxil' }) }, TYPE_DIFFERENT, 'document'],
    ['the meaning of a word', { query: 'quxil jacket', document: PAIR.document }, {}, '"quxil"'],
  ])('is uncheckable if the pair leaves open %s', (_name, pair, step, reason) => {
    const result = check(step, pair);
    expect(result.status).toBe('uncheckable');
    expect(result.reason).toContain(reason);
  });
});

describe('a trace', () => {
  it('agrees if it is gold, and disagrees after a change of the label', () => {
    const gold = goldTrace(WORLD_INSTRUCTION, LEXICON, PAIR);
    expect(gold).toMatchObject({ label: 1 });
    if (gold === undefined) return;
    expect(new PairChecker(RULES, PAIR).checkTrace(gold)).toMatchObject({ status: 'agree', impliedLabel: 1 });
    const other = { ...gold, label: 3, restated: 3 };
    expect(new PairChecker(RULES, PAIR).checkTrace(other)).toMatchObject({
      status: 'disagree',
      impliedLabel: 1,
    });
  });

  it('counts verified steps only', () => {
    const wrongStep = { ...BRAND_OTHER, verdict: 'match' } as const;
    const trace = { scaleSize: 4, label: 1, steps: [wrongStep], restated: 1 };
    expect(new PairChecker(RULES, PAIR).checkTrace(trace)).toMatchObject({
      status: 'uncheckable',
      checks: [{ status: 'wrong' }],
    });
  });
});

describe('a checker', () => {
  it('reads a title if the rules of a model require it, as training does', () => {
    const lexicon = makeLexicon(
      { brands: [], types: { kettle: 'kitchen', lamp: 'lighting' }, attributes: {}, audiences: [] },
      currentFolding(),
    );
    const pair: Pair = { query: 'kettle', document: makeDocument({ title: 'Steel kettle, boxed' }) };
    const rule = ruleIndex(WORLD_INSTRUCTION, 'type-different');
    const other: Pair = { query: 'kettle', document: makeDocument({ title: 'lamp for desks, kettle-shaped lamp' }) };
    const step: TraceStep = {
      rule,
      criterion: 'type',
      evidence: [
        { source: 'query', text: 'kettle' },
        { source: 'document', text: 'lamp' },
      ],
      verdict: 'mismatch',
    };
    for (const readsTitles of [true, false]) {
      const rules = { instruction: WORLD_INSTRUCTION, lexicon, readsTitles };
      const read = readPair(rules, other);
      const [own, before] = [new PairChecker(rules, other), new PairChecker({ ...rules, readsTitles: false }, read)];
      expect(own.checkStep(step)).toEqual(before.checkStep(step));
      expect(own.execution).toEqual(execute(WORLD_INSTRUCTION, lexicon, read));
      expect(new PairChecker(rules, pair).checkStep(step).status).not.toBe('verified');
    }
  });
});

describe('evidence in other spellings and scripts', () => {
  const textAt = (text: string, { start, end }: { start: number; end: number }): string => text.slice(start, end);
  const foundIn = (query: string, text: string): string[] =>
    locateEvidence(currentFolding(), { query, document: makeDocument({ title: '' }) }, { source: 'query', text }).map(
      (place) => textAt(query, place),
    );

  it.each([
    ['Große Lampe', 'grosse', 'Große'],
    ['lam\u00adpe und Lampe', 'lampe', 'lam\u00adpe'],
    ['ＬＡＭＰＥ rot', 'lampe', 'ＬＡＭＰＥ'],
    ['白色的台灯', '台灯', '台灯'],
    ['Crème brûlée', 'brulee', 'brûlée'],
    ['lampe 1.5l', '1.5', '1.5'],
  ])('is found in %j in its written form', (query, text, written) => {
    expect(foundIn(query, text)[0]).toBe(written);
  });
});

describe('locateEvidence', () => {
  const textAt = (text: string, { start, end }: { start: number; end: number }): string => text.slice(start, end);

  it('finds every occurrence in the order of the fields', () => {
    const places = locateEvidence(currentFolding(), PAIR, { source: 'document', text: 'mulano' });
    expect(places.map((place) => place.in)).toEqual([
      { kind: 'field', field: 'title' },
      { kind: 'field', field: 'brand' },
    ]);
    expect(places.map((place) => textAt(PAIR.document.title, place))).toEqual(['Mulano', 'Mulano']);
  });

  it('finds attribute values, and quantities written without a space', () => {
    const pair: Pair = {
      query: 'Kettle 500ml',
      document: makeDocument({ title: 'x', attributes: { capacity: '0.5 l' } }),
    };
    expect(locateEvidence(currentFolding(), pair, { source: 'document', text: '0.5 l' })).toEqual([
      { in: { kind: 'attribute', name: 'capacity' }, start: 0, end: 5 },
    ]);
    const [place] = locateEvidence(currentFolding(), pair, { source: 'query', text: '500 ml' });
    expect(place === undefined ? '' : textAt(pair.query, place)).toBe('500ml');
  });

  it('finds whole words only, ignoring apostrophes and accents', () => {
    const pair: Pair = { query: 'solid Men’s café-lid', document: makeDocument({ title: '' }) };
    const found = (text: string): string[] =>
      locateEvidence(currentFolding(), pair, { source: 'query', text }).map((place) => textAt(pair.query, place));
    expect(found('lid')).toEqual(['lid']);
    expect(found('mens')).toEqual(['Men’s']);
    expect(found('café')).toEqual(['café']);
    expect(found('afé')).toEqual([]);
    expect(found('')).toEqual([]);
  });
});
