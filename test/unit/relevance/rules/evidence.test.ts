import { describe, expect, it } from 'vitest';
import { evidenceOccurs } from '../../../../src/relevance/rules/evidence.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';

const PAIR: Pair = {
  query: 'Zorvex kettle, 1.5 L',
  document: makeDocument({
    title: 'Blim travel kettle',
    brand: 'Blim',
    attributes: { capacity: '500ml', cordless: true, colours: ['red', 'sky blue'] },
    text: "The men's choice.",
  }),
};

describe('evidenceOccurs', () => {
  it.each<['query' | 'document', string, boolean]>([
    ['query', 'zorvex', true],
    ['query', 'ZORVEX  Kettle', true],
    ['query', '1.5 l', true],
    ['query', 'kettle 1.5 l', true],
    ['query', 'zor', false], // not a whole word
    ['query', '5 l', false], // not a whole number
    ['query', 'zorvex 1.5', false], // not in one run
    ['query', 'blim', false], // in the other source
    ['document', 'zorvex', false],
    ['document', 'travel kettle', true],
    ['document', '500 ml', true],
    ['document', 'yes', true],
    ['document', 'sky blue', true],
    ['document', "men's", true],
    ['document', 'kettle blim', false], // across two fields
    ['document', 'capacity', false], // a name, not a value
    ['document', '', false],
    ['document', '...', false],
  ])('%s %j: %s', (source, text, expected) => {
    expect(evidenceOccurs(currentFolding(), PAIR, { source, text })).toBe(expected);
  });
});
