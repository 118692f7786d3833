import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionSentence } from '../../../../src/relevance/rules/condition-sentence.ts';
import type { Condition } from '../../../../src/relevance/rules/instruction.ts';
import { anyCondition } from './some-instructions.ts';

describe('conditionSentence', () => {
  it.each<[Condition, string]>([
    [{ kind: 'overlap', field: 'any', is: 'at-least', share: 0.01 }, 'Some word of the query is in the document.'],
    [{ kind: 'overlap', field: 'title', is: 'below', share: 0.01 }, 'No word of the query is in the title.'],
    [{ kind: 'overlap', field: 'title', is: 'at-least', share: 1 }, 'Every word of the query is in the title.'],
    [
      { kind: 'overlap', field: 'title', side: 'field', is: 'below', share: 0.34 },
      'Less than 34 % of the words of the title are in the query.',
    ],
    [
      { kind: 'overlap', field: 'attributes', of: 'actors', is: 'at-least', share: 0.5 },
      'At least 50 % of the words of the query are in the actors.',
    ],
    [{ kind: 'phrase', field: 'title', is: ['field-in-query'] }, 'The title as a whole stands in the query.'],
    [
      { kind: 'unasked-word', field: 'title', words: ['case', 'bag'] },
      'The title says case or bag, which nobody asked for.',
    ],
    [{ kind: 'query-length', is: 'below', words: 3 }, 'The query has fewer than 3 words that carry meaning.'],
    [{ kind: 'type', is: ['different'] }, 'The type asked for, in the document: different.'],
  ])('describes %j', (condition, sentence) => {
    expect(conditionSentence(condition)).toBe(sentence);
  });

  it('describes every condition and its scope', () => {
    fc.assert(
      fc.property(anyCondition, (condition) => {
        expect(conditionSentence(condition, 'kitchen')).toMatch(/^\S[\s\S]* \(kitchen only\)\.$/u);
      }),
    );
  });
});
