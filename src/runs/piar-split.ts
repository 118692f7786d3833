/**
 * Splits judged pairs by query into the three parts that refinement needs, builds the lexicon from the train documents,
 * and reads every document with it.
 */
import { distinctDocuments } from '../data/files/content-id.ts';
import { type SplitFractions, splitByQuery } from '../data/splits.ts';
import type { Lexicon } from '../relevance/pair/lexicon.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { induceLexicon, typeDocument } from '../relevance/rules/typed-document.ts';

/** Most queries are for proposals; the others are enough to show a difference. */
export const PIAR_FRACTIONS: SplitFractions = { train: 0.6, dev: 0.2, test: 0.2 };

/** Typed pairs in three parts without common queries. */
export interface PiarSplit {
  readonly train: readonly JudgedPair[];
  readonly dev: readonly JudgedPair[];
  readonly test: readonly JudgedPair[];
  readonly lexicon: Lexicon;
}

/**
 * Splits judged pairs by query. The lexicon comes from the train documents only, and from no judgment.
 *
 * @throws {LabError} `bad-config` if there are fewer than three queries.
 */
export function splitForPiar(
  pairs: readonly JudgedPair[],
  seed: number,
  fractions: SplitFractions = PIAR_FRACTIONS,
): PiarSplit {
  const { train, dev, test } = splitByQuery(pairs, seed, fractions);
  const lexicon = induceLexicon(distinctDocuments(train.map(({ document }) => document)));
  const typed = (part: readonly JudgedPair[]): JudgedPair[] =>
    part.map((pair) => ({ ...pair, document: typeDocument(pair.document, lexicon) }));
  return { train: typed(train), dev: typed(dev), test: typed(test), lexicon };
}
