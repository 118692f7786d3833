/** Pairs as a model sees them in the lists of their queries. */
import type { Bm25 } from './bm25.ts';
import type { Pair, Standing } from '../pair/pair.ts';
import { type VectorSource, withMeaning } from './meaning.ts';
import { type QueryPair, withStanding } from './standing.ts';

/**
 * Adds to each pair what prompts show of its list.
 *
 * @param index - for the standing, over all available documents; undefined where prompts show none
 * @param vectors - for similarities of meaning; undefined where there are none
 * @param found - all pairs of the queries; default: the pairs themselves
 */
export function listed<P extends QueryPair>(
  pairs: readonly P[],
  index: Bm25,
  vectors: { readonly source: VectorSource } | undefined,
  found?: readonly QueryPair[],
): readonly (P & { readonly standing: Standing })[];
export function listed<P extends QueryPair>(
  pairs: readonly P[],
  index: Bm25 | undefined,
  vectors: { readonly source: VectorSource } | undefined,
  found?: readonly QueryPair[],
): readonly P[];
export function listed<P extends QueryPair>(
  pairs: readonly P[],
  index: Bm25 | undefined,
  vectors: { readonly source: VectorSource } | undefined,
  found?: readonly QueryPair[],
): readonly P[] {
  const placed = index === undefined ? pairs : withStanding(pairs, index, found);
  return vectors === undefined ? placed : withMeaning(placed, vectors.source, found);
}

/** A pair without its list, as in the Score view. */
export function alone<P extends Pair>(pair: P): P {
  const { standing: _, meaning, ...others } = pair;
  const { title = 0, passage = 0 } = meaning ?? {};
  return (meaning === undefined ? others : { ...others, meaning: { title, passage } }) as P;
}
