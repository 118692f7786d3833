/**
 * The data that the lab judges: a query and a document with typed fields. This room holds what a pair consists of: its
 * words (folding, phrases, quantities, the lexicon), its labels, and the special tokens of prompts and completions.
 */

/** The value of one document attribute, as catalogues have it. */
export type AttributeValue = string | number | boolean | readonly string[];

/**
 * A document. Every field except the title may be empty. The prompt shows the fields in the order of
 * {@link DOCUMENT_FIELDS}.
 */
export interface LabDocument {
  readonly docId: string;
  readonly title: string;
  /** Empty where unknown. */
  readonly brand: string;
  /** The kind of product ("kettle"); empty where unknown. */
  readonly type: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Free text; empty where there is none. */
  readonly text: string;
}

/** The fields of a document in the fixed order of the prompt. */
export const DOCUMENT_FIELDS = ['title', 'brand', 'type', 'attributes', 'text'] as const;
export type DocumentField = (typeof DOCUMENT_FIELDS)[number];

/** The BM25 standing of a document among the documents of its query (standing.ts). */
export interface Standing {
  /** The share of the query's words found in the document, weighted by inverse document frequency. */
  readonly coverage: number;
  /** BM25 divided by the largest value that any document could have for the query. */
  readonly score: number;
  /** BM25 divided by that of the query's best document. */
  readonly relative: number;
  /** Rank by BM25, from 1; equal scores share a rank. */
  readonly rank: number;
}

/** How near query and document are in meaning (prompt/meaning.ts): cosines in [-1, 1]. */
export interface Meaning {
  /** Of query and title. */
  readonly title: number;
  /** Of the query and the nearest of title, attributes and sentences. */
  readonly passage: number;
  /** The best title's similarity in the list of the query minus this one's; known only in a list. */
  readonly gap?: number;
}

/** A query and a document. */
export interface Pair {
  readonly query: string;
  readonly document: LabDocument;
  /** Known only where all documents of the query are available. */
  readonly standing?: Standing;
  /** Known only where there are vectors. */
  readonly meaning?: Meaning;
}

/** A pair with its gold label, a whole number in [0, R). `queryId` groups pairs for splits and ranking metrics. */
export interface JudgedPair extends Pair {
  readonly queryId: string;
  readonly label: number;
}

/** A document from its known fields; the others are empty. */
export function makeDocument(fields: Partial<LabDocument> & { readonly title: string }): LabDocument {
  return { docId: '', brand: '', type: '', attributes: {}, text: '', ...fields };
}
