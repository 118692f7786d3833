/**
 * Ids for documents without one. They are hashes of the content, so that tie-breaks do not depend on the order of a
 * file, and long enough that two different documents never share one.
 */
import { sha256Portable } from '../../checkpoint/sha256.ts';
import { hashHex } from '../../common/rng.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';

/** Hexadecimal digits: 128 bits. */
const DIGITS = 32;

/** The content of a document. */
export type DocumentContent = Omit<LabDocument, 'docId'>;

/** The id for a document without one. */
export function contentId(content: DocumentContent): string {
  return `content-${sha256Portable(new TextEncoder().encode(textOf(content))).slice(0, DIGITS)}`;
}

/**
 * The id stored in data sets, with 32 bits, which two documents can share. It cannot change, because that would change
 * the SHA-256 of every data set without ids that a run has learned from.
 */
export function keptContentId(content: DocumentContent): string {
  return `content-${hashHex(textOf(content))}`;
}

/** Whether two documents have equal content. */
export function saysTheSame(one: DocumentContent, other: DocumentContent): boolean {
  return (
    one === other ||
    (one.title === other.title &&
      one.text === other.text &&
      one.brand === other.brand &&
      one.type === other.type &&
      JSON.stringify(one.attributes) === JSON.stringify(other.attributes))
  );
}

/** Distinct documents: equal ids with different content are different documents. */
export function distinctDocuments(documents: Iterable<LabDocument>): LabDocument[] {
  const byId = new Map<string, LabDocument[]>();
  for (const document of documents) {
    const known = byId.get(document.docId);
    if (known === undefined) byId.set(document.docId, [document]);
    else if (!known.some((one) => saysTheSame(one, document))) known.push(document);
  }
  return [...byId.values()].flat();
}

function textOf({ title, text, brand, type, attributes }: DocumentContent): string {
  return JSON.stringify({ title, text, brand, type, attributes });
}
