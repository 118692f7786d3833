/**
 * Ids for documents that come without one. They are made of what a document says, so that ties never break by the order of
 * a file, and of so many bits that two different documents never share one.
 */
import { sha256Portable } from '../../checkpoint/sha256.ts';
import { hashHex } from '../../common/rng.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';

/** Hexadecimal digits: 128 bits. */
const DIGITS = 32;

/** What a document says. */
export type DocumentContent = Omit<LabDocument, 'docId'>;

/** The id of a document without one. */
export function contentId(content: DocumentContent): string {
  return `content-${sha256Portable(new TextEncoder().encode(textOf(content))).slice(0, DIGITS)}`;
}

/**
 * The id as data sets keep it: with 32 bits, which two documents can share. It stays, because a change would give another
 * SHA-256 to every data set without ids that a run has learned from.
 */
export function keptContentId(content: DocumentContent): string {
  return `content-${hashHex(textOf(content))}`;
}

/** Whether two documents say the same. */
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

/** Documents once each: of one id, those that say different things are different documents. */
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
