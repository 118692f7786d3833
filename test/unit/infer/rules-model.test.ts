/** Rules alone: the executed label is what is answered, and BM25 orders documents of the same label. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerByRules, rulesModel } from '../../../src/infer/rules-model.ts';
import { makeLexicon } from '../../../src/relevance/pair/lexicon.ts';
import { scaleOfSize } from '../../../src/relevance/pair/labels.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../../src/relevance/pair/text-folding.ts';
import { execute } from '../../../src/relevance/rules/execute.ts';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';

const SIZE = 4;
const lexicon = makeLexicon({ brands: [], types: {}, attributes: {}, audiences: [] }, currentFolding());
const rules = { instruction: startInstruction(SIZE), lexicon, tailRules: new Set<number>(), readsTitles: false };
const MODEL = rulesModel({ ...rules, scale: scaleOfSize(SIZE) }, 'test');
const words = fc.array(fc.constantFrom('red', 'blue', 'kettle', 'hose'), { minLength: 1, maxLength: 4 });
const relative = fc.double({ min: 0, max: 1, noNaN: true });

describe('rules alone', () => {
  it('answer with the label that they lead to, and order equal labels by BM25', () => {
    fc.assert(
      fc.property(words, words, relative, relative, (query, title, a, b) => {
        const pair = { query: query.join(' '), document: makeDocument({ title: title.join(' ') }) };
        const at = (share: number): ReturnType<typeof answerByRules> =>
          answerByRules(MODEL, { ...pair, standing: { coverage: 0, score: 0, relative: share, rank: 1 } });
        const { label } = execute(MODEL.instruction, lexicon, pair);
        const [one, other] = [at(a), at(b)];
        expect(one.score.label).toBe(label);
        expect(one.trace.label).toBe(label);
        expect(one.score.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        expect(Math.abs(one.score.score - (label ?? NaN))).toBeLessThan(0.1);
        if (a - b > 1e-6) expect(one.score.score).toBeGreaterThan(other.score.score);
      }),
    );
  });

  it('are none where there are no rules, and do not judge what none fires on', () => {
    const none = { ...rules, instruction: { ...rules.instruction, rules: [] }, scale: scaleOfSize(SIZE) };
    expect(() => rulesModel(none, 'test')).toThrow(/no rules/u);
    const one = { ...rules.instruction, rules: rules.instruction.rules.slice(0, 1) };
    const model = rulesModel({ ...rules, instruction: one, scale: scaleOfSize(SIZE) }, 'test');
    const pair = { query: 'red kettle', document: makeDocument({ title: 'hose' }) };
    expect(() => answerByRules(model, pair)).toThrow(/No rule fires/u);
  });
});
