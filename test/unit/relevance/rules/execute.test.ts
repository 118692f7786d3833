import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { execute, goldTrace, MAX_GOLD_STEPS } from '../../../../src/relevance/rules/execute.ts';
import { parseInstruction } from '../../../../src/relevance/rules/instruction.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeLexicon } from '../../../../src/relevance/pair/lexicon.ts';
import { type LabDocument, makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { WORLD_INSTRUCTION } from '../../../../src/relevance/world/world-rules.ts';
import { worldLexicon } from '../../../../src/relevance/world/world-vocabulary.ts';

const LEXICON = makeLexicon(worldLexicon(['zorvex', 'mulano']), currentFolding());

function judge(query: string, fields: Partial<LabDocument>) {
  const document = makeDocument({ title: '', ...fields });
  const { label, binding, findings } = execute(WORLD_INSTRUCTION, LEXICON, { query, document });
  const name = (rule: number): string => WORLD_INSTRUCTION.rules[rule]?.id ?? '';
  return {
    label,
    rules: binding.map(({ rule }) => name(rule)),
    all: findings.map(({ rule }) => name(rule)),
    spans: binding.map(({ evidence }) => evidence.map(({ source, text }) => `${source}: ${text}`)),
    verdicts: binding.map(({ verdict }) => verdict),
  };
}

const kettle = (attributes: LabDocument['attributes'], brand = 'Zorvex'): Partial<LabDocument> => ({
  brand,
  type: 'Kettle',
  attributes: { category: 'kitchen', ...attributes },
});

describe('execute: single criteria', () => {
  it('matches the type and cites the document', () => {
    expect(judge('red kettle', kettle({ colour: 'Red' }))).toMatchObject({
      label: 3,
      rules: ['attribute-same', 'type-same'],
      spans: [['document: red'], ['document: kettle']],
    });
  });

  it('cites both sides of a mismatch and one side of an absence', () => {
    expect(judge('zorvex kettle', kettle({}, 'Mulano'))).toMatchObject({
      label: 1,
      rules: ['brand-other'],
      spans: [['query: zorvex', 'document: mulano']],
      verdicts: ['mismatch'],
    });
    expect(judge('zorvex kettle', kettle({}, ''))).toMatchObject({
      label: 2,
      rules: ['brand-absent'],
      spans: [['query: zorvex']],
      verdicts: ['absent'],
    });
  });

  it('takes the lowest cap, whose rules alone bind', () => {
    const result = judge('zorvex kettle', { ...kettle({}, 'Mulano'), type: 'Pan' });
    expect(result).toMatchObject({ label: 0, rules: ['type-different'] });
    expect(result.all).toEqual(['brand-other', 'type-different']);
  });

  it.each([
    ['0.5 l', 3, 'quantity-same'],
    ['600 ml', 2, 'quantity-near'],
    ['1.5 l', 1, 'quantity-far'],
    [undefined, 2, 'quantity-near'],
  ])('judges a capacity of %s against 500 ml as %i', (capacity, label, rule) => {
    const result = judge('kettle 500ml', kettle(capacity === undefined ? {} : { capacity }));
    expect(result.label).toBe(label);
    expect(result.rules).toContain(rule);
  });

  it('accepts a larger size for "at least"', () => {
    expect(judge('kettle at least 500 ml', kettle({ capacity: '3 l' })).label).toBe(3);
  });

  it('finds excluded features', () => {
    expect(judge('kettle without timer', kettle({ feature: 'timer' }))).toMatchObject({
      label: 0,
      rules: ['negation-violated'],
      spans: [['document: timer']],
      verdicts: ['violated'],
    });
    expect(judge('kettle without timer', kettle({ feature: 'spout' })).rules).toContain('negation-respected');
  });

  it('judges accessories', () => {
    const lid = (served?: string): Partial<LabDocument> => ({
      type: 'lid',
      attributes: { category: 'kitchen', ...(served === undefined ? {} : { for: served }) },
    });
    expect(judge('lid for kettle', lid('kettle'))).toMatchObject({ label: 3, rules: ['accessory-fits', 'type-same'] });
    expect(judge('lid for kettle', lid('pan'))).toMatchObject({ label: 1, rules: ['accessory-misfit'] });
    expect(judge('lid for kettle', lid())).toMatchObject({ label: 1, verdicts: ['absent'] });
    expect(judge('kettle', lid('kettle'))).toMatchObject({ label: 1, rules: ['kitchen-accessory'] });
    expect(judge('kettle', lid('pan'))).toMatchObject({ label: 0, rules: ['type-different'] });
  });
});

describe('execute: exceptions', () => {
  it('applies exceptions in their vertical only', () => {
    const worn = { condition: 'used' };
    expect(judge('zorvex kettle', kettle(worn))).toMatchObject({ label: 0, rules: ['kitchen-worn'] });
    const drill = { brand: 'zorvex', type: 'drill', attributes: { category: 'tools', ...worn } };
    expect(judge('zorvex drill', drill)).toMatchObject({ label: 2, rules: ['worn'] });
    expect(judge('used zorvex drill', drill).label).toBe(3);
  });

  it('lets the first rule of a criterion win', () => {
    const jacket = { type: 'jacket', attributes: { category: 'clothing', size: 44 } };
    expect(judge('jacket 42', jacket)).toMatchObject({ label: 0, rules: ['clothing-size-other'] });
    const drill = { type: 'drill', attributes: { category: 'tools', colour: 'blue' } };
    expect(judge('red drill', drill)).toMatchObject({ label: 3, rules: ['tools-colour-other', 'type-same'] });
    const flask = { type: 'flask', attributes: { category: 'outdoor', capacity: '3 l' } };
    expect(judge('flask 1 l', flask)).toMatchObject({ label: 3, rules: ['outdoor-larger', 'type-same'] });
  });

  it('takes the category from the lexicon if the document states none', () => {
    expect(judge('red drill', { type: 'drill', attributes: { colour: 'blue' } }).rules).toContain('tools-colour-other');
  });

  it('recognises alternatives by the attribute "replaces"', () => {
    const pan = { type: 'pan', attributes: { category: 'kitchen', replaces: 'wok' } };
    expect(judge('wok', pan)).toMatchObject({ label: 1, rules: ['replaces'], spans: [['document: wok']] });
  });
});

describe('execute: any pair', () => {
  it('leaves the label undefined if no rule fires', () => {
    expect(judge('quxil', { title: 'something else' })).toMatchObject({ label: undefined, rules: [] });
    const pair = { query: 'quxil', document: makeDocument({ title: 'something else' }) };
    expect(goldTrace(WORLD_INSTRUCTION, LEXICON, pair)).toBeUndefined();
  });

  it('judges unknown brands and types by the document', () => {
    expect(judge('Quxil fondue', { brand: 'quxil', type: 'fondue' })).toMatchObject({
      label: 3,
      rules: ['brand-same', 'type-same'],
    });
  });

  it('reads the type from the title if the field is empty', () => {
    expect(judge('zorvex kettle', { title: 'Zorvex steel kettle' })).toMatchObject({ label: 3 });
    expect(judge('zorvex kettle', { title: 'Zorvex steel wok' })).toMatchObject({
      label: 0,
      rules: ['type-different'],
    });
  });

  it('never throws, keeps evidence short, and binds only rules that imply the label', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('zorvex', 'red kettle', 'lid for pan', '2 l'),
    );
    const attributes = fc.dictionary(fc.constantFrom('colour', 'for', 'replaces', 'capacity', 'x'), text);
    let bound = 0;
    fc.assert(
      fc.property(text, text, text, attributes, (query, brand, type, attributes) => {
        const document = makeDocument({ title: type, brand, type, attributes });
        const { label, binding } = execute(WORLD_INSTRUCTION, LEXICON, { query, document });
        bound += binding.length;
        for (const { rule, evidence } of binding) {
          expect(WORLD_INSTRUCTION.rules[rule]?.cap).toBe(label);
          for (const span of evidence) expect(span.text.split(' ').length).toBeLessThanOrEqual(2);
        }
        const trace = goldTrace(WORLD_INSTRUCTION, LEXICON, { query, document });
        expect(trace?.label).toBe(label);
        expect(trace?.steps.length ?? 0).toBeLessThanOrEqual(MAX_GOLD_STEPS);
      }),
    );
    expect(bound).toBeGreaterThan(0);
  });
});

describe('the overlap condition', () => {
  const overlap = (is: 'at-least' | 'below', share: number, cap: number) => ({
    id: `overlap-${is}`,
    criterion: 'overall',
    when: { kind: 'overlap', field: 'title', is, share },
    cap,
    text: 'Shared words.',
  });
  const instruction = parseInstruction({
    name: 'Overlap',
    version: 0,
    scaleSize: 2,
    rules: [overlap('at-least', 0.5, 1), overlap('below', 0.5, 0)],
  });
  const run = (query: string, title: string) =>
    execute(instruction, LEXICON, { query, document: makeDocument({ title }) });

  it('counts content words and cites a shared one, or a missing one', () => {
    expect(run('the red kettles', 'A kettle').binding).toMatchObject([
      { rule: 0, verdict: 'match', evidence: [{ source: 'document', text: 'kettle' }] },
    ]);
    expect(run('the red kettles', 'A pan')).toMatchObject({ label: 0 });
    expect(run('red kettles', 'A pan').binding).toMatchObject([
      { rule: 1, verdict: 'absent', evidence: [{ source: 'query', text: 'red' }] },
    ]);
  });

  it('does not fire on a query without content words', () => {
    expect(run('of the', 'of the').label).toBeUndefined();
  });
});
