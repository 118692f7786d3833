/**
 * Pairs as they would be without some words of their document: what a label should do when its evidence is taken away can be
 * asked of the rules and of a model alike.
 */
import type { Rng } from '../../common/rng.ts';
import { attributeValueText, documentValues } from '../pair/document-text.ts';
import { type EvidencePlace, locateEvidence } from './evidence-places.ts';
import type { AttributeValue, LabDocument, Pair } from '../pair/pair.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Evidence } from '../trace/trace.ts';

/**
 * The pair without the words of its document that some evidence points to, wherever they stand; an attribute that has no
 * word left is gone. Evidence from the query is left there: what is asked stays the same.
 *
 * @returns undefined if none of the evidence stands in the document
 */
export function withoutEvidence(folding: TextFolding, pair: Pair, evidence: readonly Evidence[]): Pair | undefined {
  const places = evidence
    .filter(({ source }) => source === 'document')
    .flatMap((each) => (folding.words(each.text).length === 0 ? [] : locateEvidence(folding, pair, each)));
  if (places.length === 0) return undefined;
  const { document } = pair;
  const without = (field: 'title' | 'brand' | 'type' | 'text'): string => {
    return cut(
      folding,
      document[field],
      placesIn(places, (place) => place.kind === 'field' && place.field === field),
    );
  };
  const attributes = Object.entries(document.attributes).flatMap(([name, value]): [string, AttributeValue][] => {
    const cuts = placesIn(places, (place) => place.kind === 'attribute' && place.name === name);
    if (cuts.length === 0) return [[name, value]];
    const left = cut(folding, attributeValueText(value), cuts);
    return left === '' ? [] : [[name, left]];
  });
  const edited: LabDocument = {
    docId: document.docId,
    title: without('title'),
    brand: without('brand'),
    type: without('type'),
    attributes: Object.fromEntries(attributes),
    text: without('text'),
  };
  return { ...pair, document: edited };
}

/**
 * A run of words of the document that shares none with the evidence, and has as many words as its longest piece from there:
 * what to take away to see what taking away does by itself.
 *
 * @returns undefined if there is no such run
 */
export function otherWords(
  folding: TextFolding,
  { document }: Pair,
  evidence: readonly Evidence[],
  rng: Rng,
): Evidence | undefined {
  const cited = evidence.filter(({ source }) => source === 'document').map(({ text }) => folding.words(text));
  const length = Math.max(1, ...cited.map((words) => words.length));
  const isCited = new Set(cited.flat());
  const runs = documentValues(document).flatMap((value) => {
    const words = folding.words(value);
    return words.map((_, start) => words.slice(start, start + length)).filter((run) => run.length === length);
  });
  const free = runs.filter((run) => !run.some((word) => isCited.has(word)));
  const run = free[rng.int(Math.max(1, free.length))];
  return run === undefined ? undefined : { source: 'document', text: run.join(' ') };
}

function placesIn(
  places: readonly EvidencePlace[],
  isThere: (place: EvidencePlace['in']) => boolean,
): readonly EvidencePlace[] {
  return places.filter((place) => isThere(place.in));
}

/** A text without some ranges; what holds no word is empty. */
function cut(folding: TextFolding, text: string, places: readonly EvidencePlace[]): string {
  const kept = [...text.split('').keys()].filter((i) => !places.some(({ start, end }) => i >= start && i < end));
  const left = kept
    .map((i) => text.charAt(i))
    .join('')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return folding.words(left).length === 0 ? '' : left;
}
