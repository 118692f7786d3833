/** Prompts fit their model with any fields, and cuts are reported and fall between characters. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { encodePrompt } from '../../../../src/data/tokenizer/encode-prompt.ts';
import { LabTokenizer } from '../../../../src/data/tokenizer/tokenizer.ts';
import { specialTokens } from '../../../../src/relevance/pair/vocabulary.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { buildPrompt, DEFAULT_PROMPT_CONFIG, parsePrompt } from '../../../../src/relevance/prompt/prompt.ts';

const tokenizer = LabTokenizer.fromJson(
  trainBpe(Array<string>(50).fill(' red kettle speaker'), {
    vocabSize: 420,
    specialTokens: specialTokens(DEFAULT_PROMPT_CONFIG),
  }),
);
const ROOM = 100;

function contentOf(query: string, title: string, text = '') {
  const encoded = encodePrompt(
    tokenizer,
    { query, document: makeDocument({ title, text }) },
    DEFAULT_PROMPT_CONFIG,
    ROOM,
  );
  expect(encoded.ids.length).toBeLessThanOrEqual(ROOM);
  return { ...parsePrompt(tokenizer.decode([...encoded.ids])), lost: encoded.cutFields };
}

describe('encodePrompt', () => {
  it('encodes a prompt that fits unchanged', () => {
    const pair = { query: 'red kettle', document: makeDocument({ title: 'kettle' }) };
    const { ids, cutFields } = encodePrompt(tokenizer, pair, DEFAULT_PROMPT_CONFIG, ROOM);
    expect([...ids]).toEqual(tokenizer.encode(buildPrompt(pair).segments));
    expect(cutFields).toEqual([]);
  });

  it.each(['x'.repeat(2000), 'iVBORw0KGgo'.repeat(90), '赤'.repeat(300), '🫖'.repeat(200), `க${'\u0bc0'.repeat(500)}`])(
    'cuts only a word that is too long: %#',
    (word) => {
      const { query, title, lost } = contentOf('red kettle', word);
      expect(query).toBe('red kettle');
      expect(title).not.toBe('');
      expect(word.normalize('NFC').toLowerCase().startsWith(title)).toBe(true);
      expect(lost).toEqual(['title']);
      expect(contentOf(word, 'kettle').lost).toEqual(['query']);
    },
  );

  it('fits any text, reports cut fields, and cuts between characters', () => {
    const word = fc
      .tuple(fc.constantFrom('a', 'ß', '赤', '🫖', '👩‍👩‍👧', 'e\u0301', 'key', '1'), fc.integer({ min: 1, max: 400 }))
      .map(([character, times]) => character.repeat(times));
    const words = fc.array(word, { minLength: 1, maxLength: 6 }).map((list) => list.join(' '));
    let kept = 0;
    fc.assert(
      fc.property(words, words, words, (query, title, text) => {
        const content = contentOf(query, title, text);
        expect(content.query.isWellFormed() && content.title.isWellFormed() && content.text.isWellFormed()).toBe(true);
        expect(content.lost).toEqual(expect.arrayContaining([...content.cutFields]));
        const whole = parsePrompt(buildPrompt({ query, document: makeDocument({ title, text }) }).segments);
        for (const field of ['query', 'title', 'text'] as const) {
          if (content.lost.includes(field)) continue;
          kept += 1;
          expect(content[field]).toBe(whole[field]);
        }
        expect(content.hints).toEqual(whole.hints);
      }),
      { numRuns: 40 },
    );
    expect(kept).toBeGreaterThan(0);
  });

  it('rejects a model without room for any prompt', () => {
    const pair = { query: 'red', document: makeDocument({ title: 'kettle' }) };
    expect(() => encodePrompt(tokenizer, pair, DEFAULT_PROMPT_CONFIG, 5)).toThrow(/does not fit the model/u);
  });
});
