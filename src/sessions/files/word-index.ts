/** The words of a file's documents, counted while nobody waits for them, or all at once where somebody does. */
import { pausesOf } from '../../common/yield.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import { textFolding } from '../../relevance/pair/text-folding.ts';
import { Bm25, CollectionCounts } from '../../relevance/prompt/bm25.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';

/** Documents that are counted before a pause is due: a few milliseconds. */
const COUNTED_AT_ONCE = 200;

/** BM25 over documents whose words are counted part by part. */
export class WordIndex {
  readonly folding: PromptConfig['folding'];
  /** Of use once all are counted. */
  readonly bm25: Bm25;
  readonly #counts: CollectionCounts;
  readonly #rest: Iterator<LabDocument>;

  constructor(folding: PromptConfig['folding'], documents: Iterator<LabDocument>) {
    this.folding = folding;
    this.#counts = new CollectionCounts(textFolding(folding));
    this.bm25 = new Bm25(this.#counts);
    this.#rest = documents;
  }

  /** Counts what is left, with pauses in which messages are handled. @param isWanted - asked after each pause */
  async countInParts(isWanted: () => boolean): Promise<void> {
    const pause = pausesOf(undefined);
    while (isWanted() && this.count(COUNTED_AT_ONCE)) await pause();
  }

  /** Counts the next documents, by default all that are left. @returns whether there may be more */
  count(documents = Infinity): boolean {
    for (let n = 0; n < documents; n++) {
      const next = this.#rest.next();
      if (next.done === true) return false;
      this.#counts.add(next.value);
    }
    return true;
  }
}
