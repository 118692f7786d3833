/**
 * What can be told about a pair by counting shared words alone; the features an honest rule world must not yield to.
 */
import { documentValues, fieldText } from '../../src/relevance/pair/document-text.ts';
import type { Pair } from '../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../src/relevance/pair/text-folding.ts';

/**
 * Shares of query words in title, brand, type, attributes and anywhere; whether there is a number, and an equal one;
 * query length.
 */
export function overlapFeatures({ query, document }: Pair): number[] {
  const asked = currentFolding().words(query);
  const shareIn = (text: string): number => {
    const offered = new Set(currentFolding().words(text));
    return asked.filter((word) => offered.has(word)).length / Math.max(1, asked.length);
  };
  const numbers = asked.filter((word) => /^\d/.test(word));
  const everything = documentValues(document).join(' ');
  const offered = new Set(currentFolding().words(everything));
  return [
    shareIn(document.title),
    shareIn(document.brand),
    shareIn(document.type),
    shareIn(fieldText(document, 'attributes')),
    shareIn(everything),
    numbers.length === 0 ? 0 : 1,
    numbers.length > 0 && numbers.every((number) => offered.has(number)) ? 1 : 0,
    asked.length,
  ];
}
