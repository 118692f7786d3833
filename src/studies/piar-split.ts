/**
 * From judged pairs to the three parts that refining an instruction needs: split by query, with the words of the train
 * documents as lexicon and every document read by them.
 */
import { distinctDocuments } from '../data/files/content-id.ts';
import { type SplitFractions, splitByQuery } from '../data/splits.ts';
import type { Lexicon } from '../relevance/pair/lexicon.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { induceLexicon, typeDocument } from '../relevance/rules/typed-document.ts';

/** Most queries to propose on; enough of the others that a difference shows. */
export const PIAR_FRACTIONS: SplitFractions = { train: 0.6, dev: 0.2, test: 0.2 };

/** Typed pairs in three parts that share no query. */
export interface PiarSplit {
  readonly train: readonly JudgedPair[];
  readonly dev: readonly JudgedPair[];
  readonly test: readonly JudgedPair[];
  readonly lexicon: Lexicon;
}

/**
 * Splits judged pairs by query. The lexicon comes from the documents of the train part; no judgment is looked at.
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
