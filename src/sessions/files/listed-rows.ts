/**
 * The pairs of a file as something sees them in the lists of their queries. A list is read when the first of its pairs
 * is asked for, so that the first pairs of a large file wait for no other.
 */
import type { GradedRow } from '../../data/files/pairs-file.ts';
import { listKeyOf } from '../../relevance/prompt/standing.ts';

/** The lists of a file, by the places of their pairs. */
export interface Lists {
  /** [N] the number of the list of a pair. */
  readonly listOf: Int32Array;
  /** The places of each list, in the order of the file. */
  readonly places: readonly (readonly number[])[];
}

export function listsOf(rows: readonly GradedRow[]): Lists {
  const numbers = new Map<string, number>();
  const places: number[][] = [];
  let last: { readonly queryId: string; readonly query: string; readonly list: number } | undefined;
  const listOf = Int32Array.from(rows, ({ pair }, place) => {
    const { queryId, query } = pair;
    // Rows of one query mostly follow each other.
    if (last?.queryId !== queryId || last.query !== query) {
      const key = listKeyOf(pair);
      const list = numbers.get(key) ?? places.push([]) - 1;
      numbers.set(key, list);
      last = { queryId, query, list };
    }
    places[last.list]?.push(place);
    return last.list;
  });
  return { listOf, places };
}

export class ListedRows<Row> {
  readonly #lists: Lists;
  readonly #read: (places: readonly number[]) => readonly Row[];
  readonly #rows: Row[];
  readonly #isRead: Uint8Array;
  #left: number;

  /** @param read - the rows at the places of one list */
  constructor(lists: Lists, read: (places: readonly number[]) => readonly Row[]) {
    this.#lists = lists;
    this.#read = read;
    this.#rows = Array<Row>(lists.listOf.length);
    this.#isRead = new Uint8Array(lists.places.length);
    this.#left = lists.places.length;
  }

  /** The row at a place; undefined beyond the last one. */
  at(place: number): Row | undefined {
    const list = this.#lists.listOf[place];
    if (list === undefined) return undefined;
    if (this.#isRead[list] === 0) this.#readList(list);
    return this.#rows[place];
  }

  /** All rows, by place. */
  all(): readonly Row[] {
    if (this.#left > 0)
      for (const list of this.#lists.places.keys()) if (this.#isRead[list] === 0) this.#readList(list);
    return this.#rows;
  }

  #readList(list: number): void {
    const places = this.#lists.places[list] ?? [];
    const rows = this.#read(places);
    for (const [i, place] of places.entries()) {
      const row = rows[i];
      if (row !== undefined) this.#rows[place] = row;
    }
    this.#isRead[list] = 1;
    this.#left -= 1;
  }
}
