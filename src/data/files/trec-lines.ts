/**
 * Rankings and judgments as TREC's tools read them. Fields are apart by spaces, so an id that has some is written with
 * `%20` for a space; any other id is written exactly. Ids are unique in a list: of a document that comes twice, the
 * first place counts.
 */

/** A document in the list of a query. */
export interface TrecEntry {
  readonly queryId: string;
  readonly docId: string;
  /** The serving score; higher is better. */
  readonly score: number;
  /** The grade; undefined for an unjudged pair. */
  readonly grade?: number | undefined;
}

/** `qid Q0 docid rank score tag`. @param entries - the best first within each query */
export function* trecRun(entries: Iterable<TrecEntry>, tag: string): Generator<string> {
  const ranks = new Map<string, number>();
  for (const { queryId, docId, score } of distinct(entries)) {
    const rank = (ranks.get(queryId) ?? 0) + 1;
    ranks.set(queryId, rank);
    yield `${trecId(queryId)} Q0 ${trecId(docId)} ${rank} ${score.toFixed(6)} ${trecId(tag)}\n`;
  }
}

/** `qid 0 docid grade`, of what was judged. */
export function* trecQrels(entries: Iterable<TrecEntry>): Generator<string> {
  for (const { queryId, docId, grade } of distinct(graded(entries))) {
    yield `${trecId(queryId)} 0 ${trecId(docId)} ${grade}\n`;
  }
}

function* graded(entries: Iterable<TrecEntry>): Generator<TrecEntry & { readonly grade: number }> {
  for (const entry of entries) if (entry.grade !== undefined) yield { ...entry, grade: entry.grade };
}

function* distinct<Entry extends TrecEntry>(entries: Iterable<Entry>): Generator<Entry> {
  const seen = new Set<string>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.queryId, entry.docId]);
    if (seen.has(key)) continue;
    seen.add(key);
    yield entry;
  }
}

function trecId(id: string): string {
  return id.replaceAll(/\s/gu, (space) => encodeURIComponent(space));
}
