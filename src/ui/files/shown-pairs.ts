/**
 * The pairs that the table shows, in order: those of one query, or those of the whole file that pass a filter.
 */
import type { JudgedTable } from './judged-table.ts';

/** The choice of pairs to show. */
export interface PairFilter {
  /** Pairs of one query; null for all. */
  readonly query: number | null;
  /** Words that title, document id and query must contain together. */
  readonly text: string;
  /** A cell of the confusion table. */
  readonly cell: { readonly grade: number; readonly label: number } | null;
  /** The number of most doubtful pairs to show, the most doubtful first; null for no limit. */
  readonly doubtful: number | null;
  /** The pairs less sure than this, the least sure first; null for all. */
  readonly below: number | null;
}

export const NO_FILTER: PairFilter = { query: null, text: '', cell: null, doubtful: null, below: null };

/** The places of the pairs to show. */
export function shownPairs(
  table: JudgedTable,
  { query, text, cell, doubtful, below }: PairFilter,
  queries: readonly number[],
): number[] {
  const words = text.toLowerCase().split(/\s+/u).filter(Boolean);
  const { titles, docIds, queries: allQueries } = table.file;
  const isShown = (place: number): boolean => {
    if (cell !== null && (table.gradeOf(place) !== cell.grade || table.labelAsGrade(place) !== cell.label))
      return false;
    if (words.length === 0) return true;
    const searched =
      `${titles[place] ?? ''} ${docIds[place] ?? ''} ${allQueries[table.queryOf(place)]?.text ?? ''}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  };
  if (doubtful !== null) return table.mostDoubtful(doubtful).filter(isShown);
  if (below !== null) {
    const unsure = table.mostDoubtful(table.size);
    const end = unsure.findIndex((place) => table.confidenceOf(place) >= below);
    return unsure.slice(0, end === -1 ? undefined : end).filter(isShown);
  }
  const lists = query === null ? queries : [query];
  return lists.flatMap((each) => table.rankedOf(each).filter(isShown));
}
