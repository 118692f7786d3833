import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { randomSplits } from '../../../../src/data/tokenizer/subword-splits.ts';
import { LabTokenizer } from '../../../../src/data/tokenizer/tokenizer.ts';
import { special, words } from '../../../../src/relevance/trace/segments.ts';
import { ANSWER, SPECIAL_TOKENS } from '../../../../src/relevance/pair/vocabulary.ts';

const tokenizer = LabTokenizer.fromJson(
  trainBpe(Array(50).fill(' kettle speaker'), { vocabSize: 420, specialTokens: SPECIAL_TOKENS }),
);

describe('randomSplits', () => {
  it('gives pieces that join to the word, the same ones each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (word, seed) => {
        const split = randomSplits(new Rng(seed), 1);
        expect(split(word).join('')).toBe(word);
        expect(split(word)).toBe(split(word));
      }),
    );
  });

  it('cuts about the given share', () => {
    const split = randomSplits(new Rng(1), 0.3);
    const cut = Array.from({ length: 2000 }, (_, i) => split(`word${i}`)).filter((pieces) => pieces.length > 1);
    expect(cut.length / 2000).toBeGreaterThan(0.26);
    expect(cut.length / 2000).toBeLessThan(0.34);
  });

  it('changes tokens but not text, and gives a quoted word the tokens of the prompt', () => {
    const whole = tokenizer.encode([words('kettle')]);
    for (let seed = 0; seed < 30; seed++) {
      const split = randomSplits(new Rng(seed), 1);
      const prompt = tokenizer.encode([words('kettle'), special(ANSWER)], split);
      expect(tokenizer.decodeText(prompt)).toBe(' kettle');
      expect(prompt.length - 1).toBeGreaterThan(whole.length);
      expect(tokenizer.encode([words('kettle')], split)).toEqual(prompt.slice(0, -1));
    }
  });
});
