/**
 * The rule world is honest only if no shortcut to the labels comes close to the rules.
 */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { documentValues } from '../../../../src/relevance/pair/document-text.ts';
import { execute } from '../../../../src/relevance/rules/execute.ts';
import type { JudgedPair } from '../../../../src/relevance/pair/pair.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { fitLogisticRegression } from '../../../reference/logistic-regression.ts';
import { overlapFeatures } from '../../../reference/overlap-features.ts';

const WORLD = makeRuleWorld();
const TEST = [...WORLD.pairs('test')];
const TRAIN = [...WORLD.pairs('train', 0, 1000)];
const SHUFFLED = shuffleDocuments(TEST);

function shuffleDocuments(pairs: readonly JudgedPair[]): JudgedPair[] {
  const documents = new Rng(1).shuffle(pairs.map(({ document }) => document));
  return pairs.map((pair, i) => ({ ...pair, document: documents[i] ?? pair.document }));
}

function accuracy(pairs: readonly JudgedPair[], predict: (pair: JudgedPair) => number | undefined): number {
  return pairs.filter((pair) => predict(pair) === pair.label).length / pairs.length;
}

const MAJORITY = Math.max(...[0, 1, 2, 3].map((label) => accuracy(TEST, () => label)));
const executed = (pair: JudgedPair): number | undefined => execute(WORLD.instruction, WORLD.lexicon, pair).label;

describe('the test split of the default rule world', () => {
  it('has at least 2000 pairs, with no label above 40 %', () => {
    expect(TEST.length).toBeGreaterThanOrEqual(2000);
    expect(MAJORITY).toBeLessThanOrEqual(0.4);
  });

  it('follows from its instruction without exception', () => {
    expect(accuracy(TEST, executed)).toBe(1);
  });

  it('cannot be solved by counting shared words', () => {
    const labels = TRAIN.map(({ label }) => label);
    const model = fitLogisticRegression(TRAIN.map(overlapFeatures), labels, 4);
    const byOverlap = (pair: JudgedPair): number => model.predict(overlapFeatures(pair));
    expect(accuracy(TEST, byOverlap)).toBeLessThanOrEqual(0.65);
    // The regression does learn, so the bound above is not met by a broken reference.
    expect(accuracy(TEST, byOverlap)).toBeGreaterThan(MAJORITY + 0.15);
    expect(accuracy(SHUFFLED, byOverlap)).toBeLessThanOrEqual(MAJORITY + 0.05);
  });

  it('cannot be judged without the right document', () => {
    expect(Math.abs(accuracy(SHUFFLED, executed) - MAJORITY)).toBeLessThanOrEqual(0.05);
  });

  it.each(['brands', 'types'] as const)('has as many new %s as known ones', (kind) => {
    const known = kind === 'brands' ? WORLD.lexicon.brands : new Set(WORLD.lexicon.types.keys());
    const seenIn = (pairs: Iterable<JudgedPair>): Set<string> => {
      const seen = new Set<string>();
      for (const { query, document } of pairs) {
        for (const word of [query, ...documentValues(document)].flatMap((text) => currentFolding().words(text)))
          if (known.has(word)) seen.add(word);
      }
      return seen;
    };
    const inTraining = seenIn(WORLD.pairs('train'));
    const inTest = [...seenIn(TEST)];
    const newShare = inTest.filter((word) => !inTraining.has(word)).length / inTest.length;
    expect(inTest.length).toBeGreaterThan(50);
    expect(newShare).toBeGreaterThanOrEqual(0.45);
    expect(newShare).toBeLessThanOrEqual(0.55);
  });
});
