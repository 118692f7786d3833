/**
 * A pair as it is being edited. Attributes are rows here, because a person may type a name twice or leave it empty for
 * a while; a pair takes the rows that have a name, the last one where a name repeats.
 */
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

/** Whether there is enough to judge: a query, and anything at all about the document. */
export function isAnswerable({ query, title, brand, type, attributes, text }: PairDraft): boolean {
  const values = attributes.map(({ value }) => attributeValueText(value));
  return query.trim() !== '' && [title, brand, type, text, ...values].some((value) => value.trim() !== '');
}

/** The value that an edited text stands for: it keeps the kind that the value had (list, number, yes or no) where it can. */
export function editedValue(previous: AttributeValue, text: string): AttributeValue {
  if (typeof previous === 'object') return text.split(',').map((item) => item.trim());
  if (typeof previous === 'boolean' && (text === 'yes' || text === 'no')) return text === 'yes';
  if (typeof previous === 'number' && text.trim() !== '' && String(Number(text)) === text) return Number(text);
  return text;
}
