/**
 * The order of many pairs by score, in arrays: the same order as `rankByScore`, without an object for each pair.
 */
import { hash32 } from '../../common/rng.ts';

/** What an order is made of; all by the place of a pair. */
export interface Scored {
  /** [N] higher is better; NaN for a pair that has no score yet. */
  readonly scores: Float64Array;
  readonly docIds: readonly string[];
}

/** The places of pairs that have a score, the best first; ties by hash of the document id, then by the id itself. */
export function rankedPlaces(places: Iterable<number>, { scores, docIds }: Scored): number[] {
  const scored = [...places].filter((place) => !Number.isNaN(scores[place] ?? NaN));
  const ties = new Map(scored.map((place) => [place, hash32(docIds[place] ?? '')]));
  return scored.sort((a, b) => {
    const [idA, idB] = [docIds[a] ?? '', docIds[b] ?? ''];
    const byScore = Math.sign((scores[b] ?? 0) - (scores[a] ?? 0));
    return byScore || (ties.get(a) ?? 0) - (ties.get(b) ?? 0) || (idA < idB ? -1 : idA > idB ? 1 : a - b);
  });
}

/** The places of each query, in the order of the file. @param queryOf - [N] @param queries - how many there are */
export function placesByQuery(queryOf: Int32Array, queries: number): number[][] {
  const lists = Array.from({ length: queries }, (): number[] => []);
  for (const [place, query] of queryOf.entries()) lists[query]?.push(place);
  return lists;
}
