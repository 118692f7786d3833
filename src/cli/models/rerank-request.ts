/**
 * Requests of the local server (`lab serve`), in the common shapes of rerankers: `documents` of Cohere and Jina,
 * `texts` of Text Embeddings Inference, and pairs with any queries for scores alone.
 */
import * as v from 'valibot';
import { contentId } from '../../data/files/content-id.ts';
import { type LabDocument, makeDocument } from '../../relevance/pair/pair.ts';
import { AttributeValueSchema } from '../../protocol/scoring.ts';

/** The maximum number of documents in one request. */
export const MAX_DOCUMENTS = 1000;

const text = v.string();
const query = v.pipe(
  text,
  v.check((query) => query.trim() !== '', 'the query must not be empty'),
);

/** A document is a text or has fields; without a title its text becomes the title. */
const TextDocumentSchema = v.pipe(
  text,
  v.transform((title) => ({ docId: '', title, text: '' })),
);
export const FieldsDocumentSchema = v.strictObject({
  docId: v.optional(text, ''),
  title: v.optional(text, ''),
  text: v.optional(text, ''),
  brand: v.optional(text, ''),
  type: v.optional(text, ''),
  attributes: v.optional(v.record(text, AttributeValueSchema), {}),
});
const DocumentSchema = v.pipe(
  v.lazy((input) => (typeof input === 'string' ? TextDocumentSchema : FieldsDocumentSchema)),
  v.check(({ title, text: body }) => title.trim() !== '' || body.trim() !== '', 'a document needs a title or a text'),
  v.transform((fields): LabDocument => {
    const content = titled(makeDocument(fields));
    return content.docId === '' ? { ...content, docId: contentId(content) } : content;
  }),
);

/** The document, with its text as the title if it has no other. */
export function titled(document: LabDocument): LabDocument {
  return document.title.trim() === '' ? { ...document, title: document.text, text: '' } : document;
}

const documents = v.pipe(v.array(DocumentSchema), v.minLength(1), v.maxLength(MAX_DOCUMENTS));

/**
 * `POST /rerank` of Cohere and Jina. `model` and token limits are accepted and ignored: one model is served, which
 * truncates by itself.
 */
const DocumentsRequestSchema = v.strictObject({
  query,
  documents,
  model: v.optional(text),
  top_n: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)))),
  return_documents: v.optional(v.boolean(), false),
  max_tokens_per_doc: v.optional(v.number()),
  max_chunks_per_doc: v.optional(v.number()),
});

/** `POST /rerank` of Text Embeddings Inference. */
const TextsRequestSchema = v.strictObject({
  query,
  texts: documents,
  raw_scores: v.optional(v.boolean(), false),
  return_text: v.optional(v.boolean(), false),
  truncate: v.optional(v.nullable(v.boolean())),
  truncation_direction: v.optional(text),
});

export const RERANK_SCHEMAS = { documents: DocumentsRequestSchema, texts: TextsRequestSchema } as const;

/** `POST /score`: pairs, each judged as one row of a file; pairs of one query are ranked among each other. */
export const ScoreRequestSchema = v.strictObject({
  pairs: v.pipe(
    v.array(v.strictObject({ query, document: DocumentSchema })),
    v.minLength(1),
    v.maxLength(MAX_DOCUMENTS),
  ),
});
