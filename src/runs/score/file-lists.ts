/**
 * The lists that the queries of a file have, without holding the file: a first pass counts the rows of each list and
 * the words of all documents, a second one places a list as soon as its last row is read. Memory holds one list at a
 * time if the rows of each query follow each other.
 */
import type { PairRow } from '../../data/files/pairs-file.ts';
import type { ModelVectors } from '../../infer/lab-model.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import { textFolding } from '../../relevance/pair/text-folding.ts';
import { Bm25, CollectionCounts } from '../../relevance/prompt/bm25.ts';
import { listed } from '../../relevance/prompt/listed.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import { listKeyOf } from '../../relevance/prompt/standing.ts';

/** Stems of documents that are held between the passes: about 60 MB. */
const HELD_STEMS = 1_000_000;

/** Rows whose texts an encoder reads together: few texts fill its passes badly. */
const ENCODED_ROWS = 8192;

/** The rows of a list that have been read. */
interface OpenList {
  readonly rows: PairRow[];
  /** Rows that the first pass counted and the second has not read. */
  left: number;
  /** Once the list is complete. */
  placed: readonly PairRow[] | undefined;
}

/** A row that has been read and not given out. */
interface WaitingRow {
  readonly list: OpenList;
  /** In its list. */
  readonly place: number;
}

export class FileLists {
  readonly #sizes = new Map<string, number>();
  readonly #collection: CollectionCounts;
  readonly #index: Bm25;
  /** Whether the documents are in a separate file, and so counted already. */
  readonly #isCounted: boolean;

  /**
   * @param prompt - of the model that reads the pairs
   * @param documents - all documents, where they are in a separate file
   */
  constructor(prompt: Pick<PromptConfig, 'folding'>, documents: ReadonlyMap<string, LabDocument> | undefined) {
    this.#isCounted = documents !== undefined;
    this.#collection = new CollectionCounts(textFolding(prompt.folding), this.#isCounted ? Infinity : HELD_STEMS);
    for (const document of documents?.values() ?? []) this.#collection.add(document);
    this.#index = new Bm25(this.#collection);
  }

  /** Counts a row in the first pass. */
  add({ pair }: PairRow): void {
    const key = listKeyOf(pair);
    this.#sizes.set(key, (this.#sizes.get(key) ?? 0) + 1);
    if (!this.#isCounted) this.#collection.add(pair.document);
  }

  /**
   * The same rows in a second pass, each with its place in its list, in their order. Rows that the first pass did not
   * see, of a file that has changed since, form lists with what else was read.
   *
   * @param vectors - of the model, for similarities of meaning
   */
  async *placed(rows: AsyncIterable<PairRow>, vectors: ModelVectors | undefined): AsyncGenerator<PairRow> {
    const atOnce = vectors?.read === undefined ? 1 : ENCODED_ROWS;
    const lists = new Map<string, OpenList>();
    let complete: OpenList[] = [];
    let completeRows = 0;
    const waiting: WaitingRow[] = [];
    for await (const row of rows) {
      const key = listKeyOf(row.pair);
      const list = lists.get(key) ?? { rows: [], left: this.#sizes.get(key) ?? Infinity, placed: undefined };
      lists.set(key, list);
      waiting.push({ list, place: list.rows.push(row) - 1 });
      list.left -= 1;
      if (list.left > 0) continue;
      lists.delete(key);
      complete.push(list);
      completeRows += list.rows.length;
      if (completeRows < atOnce) continue;
      await this.#place(complete, vectors);
      [complete, completeRows] = [[], 0];
      const stuck = waiting.findIndex(({ list: { placed } }) => placed === undefined);
      yield* waiting.splice(0, stuck === -1 ? waiting.length : stuck).flatMap(placedRow);
    }
    await this.#place([...complete, ...lists.values()], vectors);
    yield* waiting.flatMap(placedRow);
  }

  async #place(lists: readonly OpenList[], vectors: ModelVectors | undefined): Promise<void> {
    await vectors?.read?.(lists.flatMap(({ rows }) => rows.map(({ pair }) => pair)));
    for (const list of lists) {
      const { rows } = list;
      const pairs = listed(rows.map(({ pair }) => pair), this.#index, vectors); // prettier-ignore
      list.placed = pairs.map((pair, i) => ({ row: i + 1, ...rows[i], pair }));
    }
  }
}

function placedRow({ list, place }: WaitingRow): PairRow | readonly [] {
  return list.placed?.[place] ?? [];
}
