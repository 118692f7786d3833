/**
 * Which pairs the table shows, in which order: those of a query, or of the whole file those that a filter lets through.
 */
import type { JudgedTable } from './judged-table.ts';

/** What is looked at. */
export interface PairFilter {
  /** Pairs of one query; null for all. */
  readonly query: number | null;
  /** Words that title, document id or query must all have. */
  readonly text: string;
  /** A cell of the confusion table. */
  readonly cell: { readonly grade: number; readonly label: number } | null;
  /** The number of most doubtful pairs to show, the most doubtful first; null for no limit. */
  readonly doubtful: number | null;
}

export const NO_FILTER: PairFilter = { query: null, text: '', cell: null, doubtful: null };

/** The places of the pairs to show. */
export function shownPairs(
  table: JudgedTable,
  { query, text, cell, doubtful }: PairFilter,
  queries: readonly number[],
): number[] {
  const words = text.toLowerCase().split(/\s+/u).filter(Boolean);
  const { titles, docIds, queries: asked } = table.file;
  const isShown = (place: number): boolean => {
    if (cell !== null && (table.gradeOf(place) !== cell.grade || table.labelAsGrade(place) !== cell.label))
      return false;
    if (words.length === 0) return true;
    const said =
      `${titles[place] ?? ''} ${docIds[place] ?? ''} ${asked[table.queryOf(place)]?.text ?? ''}`.toLowerCase();
    return words.every((word) => said.includes(word));
  };
  if (doubtful !== null) return table.mostDoubtful(doubtful).filter(isShown);
  const lists = query === null ? queries : [query];
  return lists.flatMap((each) => table.rankedOf(each).filter(isShown));
}
