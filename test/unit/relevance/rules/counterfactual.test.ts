import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { otherWords, withoutEvidence } from '../../../../src/relevance/rules/counterfactual.ts';
import { evidenceOccurs } from '../../../../src/relevance/rules/evidence.ts';
import { execute } from '../../../../src/relevance/rules/execute.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';
import type { Evidence } from '../../../../src/relevance/trace/trace.ts';

const PAIR: Pair = {
  query: 'red kettle',
  document: makeDocument({
    docId: 'd',
    title: 'Zorvex Kettle, red',
    brand: 'zorvex',
    attributes: { colour: 'red', capacity: '1500 ml', features: ['red', 'wireless'] },
  }),
};
const inDocument = (text: string): Evidence => ({ source: 'document', text });

describe('withoutEvidence', () => {
  it('removes the words at every occurrence in the document, and attributes left empty', () => {
    expect(withoutEvidence(currentFolding(), PAIR, [inDocument('red')])).toEqual({
      query: 'red kettle',
      document: {
        ...PAIR.document,
        title: 'Zorvex Kettle,',
        attributes: { capacity: '1500 ml', features: ', wireless' },
      },
    });
  });

  it('keeps the query, and is undefined if there is nothing to remove', () => {
    expect(withoutEvidence(currentFolding(), PAIR, [{ source: 'query', text: 'red' }])).toBeUndefined();
    expect(withoutEvidence(currentFolding(), PAIR, [inDocument('blue'), inDocument(' ')])).toBeUndefined();
    expect(withoutEvidence(currentFolding(), PAIR, [])).toBeUndefined();
  });

  it('changes the label of the rules on many pairs of the world, and removes all of the evidence', () => {
    const world = makeRuleWorld({ trainQueries: 20, devQueries: 30, testQueries: 1 });
    let [taken, moved] = [0, 0];
    for (const pair of world.pairs('dev')) {
      const evidence = pair.goldTrace.steps.flatMap((step) => step.evidence);
      const less = withoutEvidence(currentFolding(), pair, evidence);
      if (less === undefined) continue;
      taken += 1;
      for (const each of evidence)
        if (each.source === 'document') expect(evidenceOccurs(currentFolding(), less, each)).toBe(false);
      if (execute(world.instruction, world.lexicon, less).label !== pair.label) moved += 1;
    }
    expect(taken).toBeGreaterThan(60);
    expect(moved).toBeGreaterThan(taken / 4);
    expect(moved).toBeLessThan(taken); // a second reason for the label may remain
  });
});

describe('otherWords', () => {
  it('are as many uncited words of the document as were cited', () => {
    for (let seed = 0; seed < 20; seed++) {
      const other = otherWords(currentFolding(), PAIR, [inDocument('1500 ml')], new Rng(seed));
      if (other === undefined) expect.fail('there are other words');
      expect(other.text.split(' ')).toHaveLength(2);
      expect(evidenceOccurs(currentFolding(), PAIR, other)).toBe(true);
      expect(other.text).not.toMatch(/1500|ml/u);
    }
    expect(
      otherWords(currentFolding(), PAIR, [inDocument('zorvex kettle red 1500 ml wireless')], new Rng(1)),
    ).toBeUndefined();
  });
});
