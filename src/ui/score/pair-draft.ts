/**
 * A pair while it is edited. Attributes are rows, because a name may be empty or repeated while a person types. The
 * pair takes the rows that have a name; of a repeated name the last one.
 */
import * as v from 'valibot';
import { PairSchema } from '../../protocol/scoring.ts';
import { attributeValueText } from '../../relevance/pair/document-text.ts';
import type { AttributeValue, Pair } from '../../relevance/pair/pair.ts';

/** One row of the attribute table. */
export interface AttributeRow {
  readonly name: string;
  readonly value: AttributeValue;
}

/** The fields a person can edit. */
export interface PairDraft {
  readonly docId: string;
  readonly query: string;
  readonly title: string;
  readonly brand: string;
  readonly type: string;
  readonly attributes: readonly AttributeRow[];
  readonly text: string;
}

export const EMPTY_DRAFT: PairDraft = {
  docId: '',
  query: '',
  title: '',
  brand: '',
  type: '',
  attributes: [],
  text: '',
};

export function draftOf({ query, document }: Pair): PairDraft {
  const attributes = Object.entries(document.attributes).map(([name, value]) => ({ name, value }));
  return { ...document, query, attributes };
}

export function pairOf({ query, attributes, ...document }: PairDraft): Pair {
  const named = attributes.map(({ name, value }) => [name.trim(), value] as const).filter(([name]) => name !== '');
  return { query, document: { ...document, attributes: Object.fromEntries(named) } };
}

/**
 * Of a pair in an address, in characters of its JSON; longer addresses are refused by mail programs and chats anyway.
 */
export const MAX_LINKED_LENGTH = 16_000;
const LinkedPairSchema = v.pipe(v.string(), v.maxLength(MAX_LINKED_LENGTH), v.parseJson(), PairSchema);

/** The pair that an address names, as JSON; undefined where it cannot be read. */
export function linkedPairOf(text: string): Pair | undefined {
  const read = v.safeParse(LinkedPairSchema, text);
  return read.success ? read.output : undefined;
}

/** What an address says of a pair, so that {@link linkedPairOf} reads the same pair; undefined where it is too long. */
export function linkOf(pair: Pair): string | undefined {
  const text = JSON.stringify(pair);
  return text.length <= MAX_LINKED_LENGTH ? text : undefined;
}

/** Whether there is enough to judge: a query, and any text about the document. */
export function isAnswerable({ query, title, brand, type, attributes, text }: PairDraft): boolean {
  const values = attributes.map(({ value }) => attributeValueText(value));
  return query.trim() !== '' && [title, brand, type, text, ...values].some((value) => value.trim() !== '');
}

/** The value of an edited text, of the previous value's kind (list, number, yes or no) where possible. */
export function editedValue(previous: AttributeValue, text: string): AttributeValue {
  if (typeof previous === 'object') return text.split(',').map((item) => item.trim());
  if (typeof previous === 'boolean' && (text === 'yes' || text === 'no')) return text === 'yes';
  if (typeof previous === 'number' && text.trim() !== '' && String(Number(text)) === text) return Number(text);
  return text;
}
