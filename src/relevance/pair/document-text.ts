/**
 * A document as plain text, field by field, for prompts, hints and the look-up of evidence.
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

/** Every value of a document, attribute by attribute and without attribute names; empty values are left out. */
export function documentValues(document: LabDocument): string[] {
  const { title, brand, type, attributes, text } = document;
  return [title, brand, type, ...Object.values(attributes).map(attributeValueText), text].filter(
    (value) => value !== '',
  );
}

/**
 * All texts of a document as one string, which identifies the document within a collection. Ids cannot, because files
 * repeat documents, use ids that are unique within one query only, or have none.
 */
export function documentTexts({ title, brand, type, attributes, text }: LabDocument): string {
  return JSON.stringify([title, brand, type, attributes, text]);
}
