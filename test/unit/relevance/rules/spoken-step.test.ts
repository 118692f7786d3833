import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spokenStep } from '../../../../src/relevance/rules/spoken-step.ts';
import { EVIDENCE_SOURCES } from '../../../../src/relevance/pair/vocabulary.ts';

const RULE = 'The size is the asked one.';
const query = (text: string) => ({ source: 'query', text }) as const;
const found = (text: string) => ({ source: 'document', text }) as const;

describe('a step as a sentence', () => {
  it.each([
    ['The size is the asked one.', []],
    ['The size is the asked one: "25 cm".', [found('25 cm')]],
    ['The size is the asked one: "25 cm".', [query('25 cm'), found('25 cm')]],
    ['The size is the asked one: "1.5 l" in the query, "1500 ml" in the document.', [found('1500 ml'), query('1.5 l')]],
    ['The size is the asked one: "blue", "red".', [found('blue'), found('red')]],
  ])('%s', (sentence, evidence) => {
    expect(spokenStep(RULE, { evidence })).toBe(sentence);
  });

  it('quotes every piece of evidence, says the rule and ends once', () => {
    const evidence = fc.array(
      fc.record({ source: fc.constantFrom(...EVIDENCE_SOURCES), text: fc.string({ minLength: 1 }) }),
    );
    fc.assert(
      fc.property(evidence, fc.constantFrom('', '.', '!'), (cited, end) => {
        const sentence = spokenStep(`Made for others${end}`, { evidence: cited });
        expect(sentence.startsWith('Made for others')).toBe(true);
        expect(sentence).toMatch(/[^.]\.$|"\.$/u);
        for (const { text } of cited) expect(sentence).toContain(`"${text}"`);
      }),
    );
  });
});
