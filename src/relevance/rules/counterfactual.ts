/**
 * Pairs with some words of their document removed, so that the effect of removing evidence can be measured on rules and
 * on a model alike.
 */
import type { Rng } from '../../common/rng.ts';
import { attributeValueText, documentValues } from '../pair/document-text.ts';
import { type EvidencePlace, locateEvidence } from './evidence-places.ts';
import type { AttributeValue, LabDocument, Pair } from '../pair/pair.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Evidence } from '../trace/trace.ts';

/**
 * The pair without the document words that the evidence cites, at every occurrence. An attribute without words left is
 * removed. Evidence from the query stays, because the request must not change.
 *
 * @returns undefined if none of the evidence occurs in the document
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
 * A random run of document words that shares no word with the evidence and is as long as its longest document piece:
 * the control for {@link withoutEvidence}.
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

/** A text without some ranges; empty if no word is left. */
function cut(folding: TextFolding, text: string, places: readonly EvidencePlace[]): string {
  const kept = [...text.split('').keys()].filter((i) => !places.some(({ start, end }) => i >= start && i < end));
  const left = kept
    .map((i) => text.charAt(i))
    .join('')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return folding.words(left).length === 0 ? '' : left;
}
