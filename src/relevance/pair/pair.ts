/**
 * What the lab judges: a query and a document with typed fields.
 */

/** The value of one document attribute, as found in catalogues. */
export type AttributeValue = string | number | boolean | readonly string[];

/** A document. Every field but the title may be empty; the prompt shows them in the order of {@link DOCUMENT_FIELDS}. */
export interface LabDocument {
  readonly docId: string;
  readonly title: string;
  /** Empty where unknown. */
  readonly brand: string;
  /** What kind of thing it is ("kettle"); empty where unknown. */
  readonly type: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Free text; empty where there is none. */
  readonly text: string;
}

/** The fields of a document in the fixed order of the prompt. */
export const DOCUMENT_FIELDS = ['title', 'brand', 'type', 'attributes', 'text'] as const;
export type DocumentField = (typeof DOCUMENT_FIELDS)[number];

/** How a document stands among those of its query (standing.ts). */
export interface Standing {
  /** The share of the query's words found in the document, each by its inverse document frequency. */
  readonly coverage: number;
  /** BM25 as a share of the most any document could have for the query. */
  readonly score: number;
  /** BM25 as a share of that of the query's best document. */
  readonly relative: number;
  /** By BM25, from 1; equal scores share a place. */
  readonly rank: number;
}

/** A query and a document. */
export interface Pair {
  readonly query: string;
  readonly document: LabDocument;
  /** Known only where all documents of the query are at hand. */
  readonly standing?: Standing;
}

/** A pair with its gold label, a whole number in [0, R). `queryId` groups pairs for splits and ranking metrics. */
export interface JudgedPair extends Pair {
  readonly queryId: string;
  readonly label: number;
}

/** A document of which only some fields are known. */
export function makeDocument(fields: Partial<LabDocument> & { readonly title: string }): LabDocument {
  return { docId: '', brand: '', type: '', attributes: {}, text: '', ...fields };
}
