import { describe, expect, it } from 'vitest';
import { makeRuleWorld, MAX_PAIR_WORDS, type WorldPair } from '../../../../src/relevance/world/rule-world.ts';
import { documentValues } from '../../../../src/relevance/pair/document-text.ts';
import { evidenceOccurs } from '../../../../src/relevance/rules/evidence.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { PairChecker } from '../../../../src/relevance/rules/verify.ts';
import { rulesOfWorld } from '../../../../src/runs/sft-experiment.ts';

const WORLD = makeRuleWorld({ seed: 5 });
const SAMPLE = [...WORLD.pairs('train', 0, 500)];

describe('makeRuleWorld', () => {
  it('is determined by the seed, query by query in any order', () => {
    const again = makeRuleWorld({ seed: 5 });
    expect(again.versionHash).toBe(WORLD.versionHash);
    expect(again.queryPairs('train', 7)).toEqual(SAMPLE.filter(({ queryId }) => queryId === 'train-7'));
    expect(makeRuleWorld({ seed: 6 }).versionHash).not.toBe(WORLD.versionHash);
    expect(makeRuleWorld({ ...WORLD.config, trainQueries: 7 }).versionHash).toBe(WORLD.versionHash);
    expect(makeRuleWorld({ seed: 6 }).queryPairs('train', 7)).not.toEqual(again.queryPairs('train', 7));
  });

  it('names unknown and invalid settings', () => {
    expect(() => makeRuleWorld({ documentsPerQuery: 1 })).toThrow(/documentsPerQuery/u);
    // @ts-expect-error an unknown key
    expect(() => makeRuleWorld({ tailBoost: 1 })).toThrow(/tailBoost/u);
  });

  it('cites rules that imply the label, with evidence from the pair', () => {
    for (const pair of SAMPLE) {
      const { steps, label, restated } = pair.goldTrace;
      expect([label, restated, pair.trueLabel]).toEqual([pair.label, pair.label, pair.label]);
      expect(steps.length).toBeGreaterThan(0);
      for (const { rule, evidence } of steps) {
        expect(pair.binding).toContain(rule);
        expect(WORLD.instruction.rules[rule]?.cap).toBe(pair.label);
        expect(evidence.length).toBeGreaterThan(0);
        for (const span of evidence)
          expect(evidenceOccurs(currentFolding(), pair, span), `${span.text} in "${pair.query}"`).toBe(true);
      }
      expect(new PairChecker(rulesOfWorld(WORLD), pair).checkTrace(pair.goldTrace).status).toBe('agree');
    }
  });

  it('gives every query all labels, and hardly any repeated document', () => {
    let documents = 0;
    let distinct = 0;
    for (let query = 0; query < 200; query++) {
      const pairs = WORLD.queryPairs('train', query);
      expect(new Set(pairs.map(({ label }) => label)).size).toBe(4);
      documents += pairs.length;
      distinct += new Set(pairs.map(({ document }) => JSON.stringify({ ...document, docId: '' }))).size;
    }
    expect(distinct / documents).toBeGreaterThan(0.99);
  });

  it('shares no query between splits', () => {
    const queriesOf = (pairs: Iterable<WorldPair>): Set<string> => new Set([...pairs].map(({ query }) => query));
    const train = queriesOf(SAMPLE);
    const dev = queriesOf(WORLD.pairs('dev'));
    const test = queriesOf(WORLD.pairs('test'));
    expect([...test].filter((query) => train.has(query) || dev.has(query))).toEqual([]);
    expect([...dev].filter((query) => train.has(query))).toEqual([]);
  });

  it('keeps texts short', () => {
    const lengths = SAMPLE.map(({ query, document }) => {
      const names = Object.keys(document.attributes);
      return [query, ...documentValues(document), ...names].reduce(
        (sum, text) => sum + currentFolding().words(text).length,
        0,
      );
    });
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_PAIR_WORDS);
    expect(lengths.reduce((sum, length) => sum + length, 0) / lengths.length).toBeLessThanOrEqual(14);
    for (const { query } of SAMPLE) expect([2, 3, 4, 5]).toContain(currentFolding().words(query).length);
  });
});

describe('rule frequencies', () => {
  const citations = (pairs: readonly WorldPair[]): number[] => {
    const shares = WORLD.instruction.rules.map(() => 0);
    for (const { rule } of pairs.flatMap(({ goldTrace }) => goldTrace.steps))
      shares[rule] = (shares[rule] ?? 0) + 1 / pairs.length;
    return shares;
  };

  it('have a tail of exceptions at 0.5 to 2.5 % each, and a head for the rest', () => {
    expect(WORLD.tailRules.size).toBeGreaterThanOrEqual(16);
    expect(WORLD.headRules.size + WORLD.tailRules.size).toBe(WORLD.instruction.rules.length);
    const shares = citations([...WORLD.pairs('train', 0, 1500)]);
    for (const rule of WORLD.tailRules) {
      expect(shares[rule], WORLD.instruction.rules[rule]?.id).toBeGreaterThan(0.004);
      expect(shares[rule], WORLD.instruction.rules[rule]?.id).toBeLessThan(0.028);
    }
    const tail = [...WORLD.tailRules].reduce((sum, rule) => sum + (shares[rule] ?? 0), 0);
    expect(tail).toBeGreaterThan(0.15);
    expect(tail).toBeLessThan(0.3);
  });

  it('match the expected shares', () => {
    const shares = citations([...WORLD.pairs('train', 0, 1500)]);
    for (const [rule, expected] of WORLD.ruleShares.entries()) {
      expect(Math.abs((shares[rule] ?? 0) - expected), WORLD.instruction.rules[rule]?.id).toBeLessThan(0.015);
    }
  });

  it('have a thinner tail in training only', () => {
    const skewed = makeRuleWorld({ seed: 5, trainTailWeight: 0.1 });
    const tailShare = (pairs: readonly WorldPair[]): number =>
      pairs.filter((pair) => skewed.citesTail(pair)).length / pairs.length;
    expect(skewed.tailRules).toEqual(WORLD.tailRules);
    expect(tailShare([...skewed.pairs('train', 0, 1000)])).toBeLessThan(0.05);
    expect(tailShare([...skewed.pairs('test')])).toBeGreaterThan(0.15);
  });

  it('have the wanted share of label noise, in training only', () => {
    const noisy = makeRuleWorld({ seed: 5, labelNoise: 0.2 });
    const wrongShare = (pairs: readonly WorldPair[]): number =>
      pairs.filter(({ label, trueLabel }) => label !== trueLabel).length / pairs.length;
    const train = [...noisy.pairs('train', 0, 500)];
    expect(wrongShare(train)).toBeGreaterThan(0.17);
    expect(wrongShare(train)).toBeLessThan(0.23);
    expect(train.every(({ label, goldTrace }) => goldTrace.label === label && goldTrace.restated === label)).toBe(true);
    expect(wrongShare([...noisy.pairs('test')])).toBe(0);
  });
});
