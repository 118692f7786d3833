/** What the page shows of pairs besides their scores: the fields of one, and the ranks that BM25 gives to all. */
import { LabError } from '../../common/errors.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { foldingOf, type OpenFile, readRows } from './open-file.ts';

/** A pair as its scorer sees it. @throws {LabError} `not-found` beyond the last one */
export function shownPair(open: OpenFile, place: number): Pair {
  const rows = readRows(open);
  const seen = open.model?.model.prompt.standing === true ? rows.seenAt(place, open.model.model) : undefined;
  const { pair } = seen ?? rows.placedAt(place, foldingOf(open)) ?? {};
  if (pair === undefined) throw new LabError('not-found', { message: `There is no pair ${place} in this file.` });
  const { query, document, standing, meaning } = pair;
  return { query, document, ...(standing && { standing }), ...(meaning && { meaning }) };
}

/** [N] the rank of each pair among the documents of its query, from 1; equal scores share one. */
export function bm25RanksOf(open: OpenFile): Int32Array<ArrayBuffer> {
  return Int32Array.from(readRows(open).placed(foldingOf(open)), ({ pair }) => pair.standing.rank);
}
