/**
 * A document as plain text, field by field: what a prompt shows, what hints count and where evidence is looked up.
 */
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

/** Every value of a document, attribute by attribute and without attribute names; empty ones left out. */
export function documentValues(document: LabDocument): string[] {
  const { title, brand, type, attributes, text } = document;
  return [title, brand, type, ...Object.values(attributes).map(attributeValueText), text].filter(
    (value) => value !== '',
  );
}

/**
 * All texts of a document as one. Documents of one collection are told apart by it and not by their ids, because files repeat
 * documents, give ids that mean something within one query alone, or give none.
 */
export function documentTexts({ title, brand, type, attributes, text }: LabDocument): string {
  return JSON.stringify([title, brand, type, attributes, text]);
}
