/**
 * A document as plain text, field by field, for prompts, hints and the look-up of evidence.
 */
import { textKey } from '../../common/rng.ts';
import type { AttributeValue, DocumentField, LabDocument } from './pair.ts';

/** An attribute value as text: yes or no for booleans, comma-separated for lists. */
export function attributeValueText(value: AttributeValue): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? value.join(', ') : String(value);
}

/** One field as text; attributes as "name value", separated by semicolons. */
export function fieldText(document: LabDocument, field: DocumentField): string {
  if (field !== 'attributes') return document[field];
  return Object.entries(document.attributes)
    .map(([name, value]) => `${name} ${attributeValueText(value)}`)
    .join('; ');
}

/** Every value of a document, attribute by attribute and without attribute names; empty values are left out. */
export function documentValues(document: LabDocument): string[] {
  const { title, brand, type, attributes, text } = document;
  return [title, brand, type, ...Object.values(attributes).map(attributeValueText), text].filter(
    (value) => value !== '',
  );
}

const keys = new WeakMap<LabDocument, string>();

/**
 * A key of all texts of a document, which identifies the document within a collection. Ids cannot, because files
 * repeat documents, use ids that are unique within one query only, or have none. It is short, because the texts
 * themselves are as large as a file, and made once for each document object, because lists, counts and metrics all ask
 * for it.
 */
export function documentKey(document: LabDocument): string {
  let key = keys.get(document);
  if (key === undefined) {
    const { title, brand, type, attributes, text } = document;
    key = textKey(title, brand, type, JSON.stringify(attributes), text);
    keys.set(document, key);
  }
  return key;
}
