/**
 * The relations between query and document that conditions can ask about, with the words that show them. Facts are read
 * once per pair; conditions (execute.ts) only look them up.
 *
 * Evidence is minimal: the matching word of the document, the asked and the offered word of a mismatch, or the asked
 * word if it is absent.
 */
import { attributeValueText, documentValues } from '../pair/document-text.ts';
import type { Condition } from './instruction.ts';
import { type Intent, parseIntent } from './intent.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { LabDocument, Pair } from '../pair/pair.ts';
import { PairWords } from '../pair/pair-words.ts';
import { hasPhrase, phraseOf } from '../pair/phrases.ts';
import { isNearQuantity, isSameQuantity, quantitiesIn, type Quantity } from '../pair/quantities.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Evidence } from '../trace/trace.ts';
import type { Verdict } from '../pair/vocabulary.ts';

/** The document attributes whose names have a special meaning. */
export const CATEGORY_ATTRIBUTE = 'category';
/** The product an accessory is for. */
export const FOR_ATTRIBUTE = 'for';
/** The product the document is offered as an alternative to. */
export const REPLACES_ATTRIBUTE = 'replaces';
export const AUDIENCE_ATTRIBUTE = 'audience';

/** The conditions that ask for a relation between query and document. */
export type RelationCondition = Extract<
  Condition,
  { kind: 'type' | 'brand' | 'attribute' | 'quantity' | 'negation' | 'accessory' | 'audience' }
>;
type RelationKind = RelationCondition['kind'];
type FactOf<Kind extends RelationKind> = Fact<Extract<RelationCondition, { kind: Kind }>['is'][number]>;

/** The verdict of a condition, and the words that show it. */
export interface Found {
  readonly verdict: Verdict;
  readonly evidence: readonly Evidence[];
}

/** One relation that holds between query and document. */
export interface Fact<Is extends string = string> extends Found {
  readonly is: Is;
  /** The attribute the fact is about. */
  readonly of?: string;
}

/**
 * Everything that conditions can ask about a pair. An empty list means that the query has no such wish or none is
 * known.
 */
export interface Facts {
  readonly pair: Pair;
  readonly intent: Intent;
  /** The category of the document, else of the type asked for; undefined if neither is known. */
  readonly category: string | undefined;
  readonly relations: { readonly [Kind in RelationKind]: readonly FactOf<Kind>[] };
  /** The document's type, from its field or title. */
  readonly documentType: string | undefined;
  /** The words of both sides, read on first use. */
  readonly words: PairWords;
}

/** Reads the facts of a pair. Never throws. */
export function readFacts(lexicon: Lexicon, pair: Pair): Facts {
  const { document } = pair;
  const { folding } = lexicon;
  const intent = parseIntent(pair.query, lexicon, document);
  const documentType = typeOf(document, intent, lexicon);
  const accessory = accessoryFacts(folding, intent, document, documentType);
  return {
    pair,
    intent,
    category: categoryOf(document, documentType, intent, lexicon),
    documentType,
    words: new PairWords(pair, folding),
    relations: {
      type: accessory.some(({ is }) => is === 'only') ? [] : typeFacts(folding, intent, document, documentType),
      brand: brandFacts(folding, intent, document),
      attribute: intent.wishes.map(({ name, value }) => attributeFact(name, value, document, lexicon)),
      quantity: quantityFacts(folding, intent, document),
      negation: negationFacts(folding, intent, document),
      accessory,
      audience: audienceFacts(folding, intent, document),
    },
  };
}

/** The words of an attribute's value; none if it is not stated. */
function attributeWords(folding: TextFolding, document: LabDocument, name: string): readonly string[] {
  const value = document.attributes[name];
  return value === undefined ? [] : folding.words(attributeValueText(value));
}

function typeOf(document: LabDocument, intent: Intent, lexicon: Lexicon): string | undefined {
  const { folding } = lexicon;
  const phrase = phraseOf(folding, document.type);
  if (phrase !== '') return phrase;
  const title = folding.words(document.title);
  if (intent.type !== undefined && hasPhrase(title, folding.words(intent.type))) return intent.type;
  return title.findLast((word) => lexicon.types.has(word));
}

function categoryOf(
  document: LabDocument,
  documentType: string | undefined,
  intent: Intent,
  lexicon: Lexicon,
): string | undefined {
  const stated = attributeWords(lexicon.folding, document, CATEGORY_ATTRIBUTE).join(' ');
  return (
    (stated === '' ? undefined : stated) ??
    lexicon.types.get(documentType ?? '') ??
    lexicon.types.get(intent.type ?? '')
  );
}

function typeFacts(
  folding: TextFolding,
  { type }: Intent,
  document: LabDocument,
  documentType: string | undefined,
): FactOf<'type'>[] {
  if (type === undefined || documentType === undefined) return [];
  if (type === documentType) return [{ is: 'same', verdict: 'match', evidence: [inDocument(folding, type)] }];
  if (hasPhrase(attributeWords(folding, document, REPLACES_ATTRIBUTE), folding.words(type))) {
    return [{ is: 'alternative', verdict: 'near', evidence: [inDocument(folding, type)] }];
  }
  return [
    { is: 'different', verdict: 'mismatch', evidence: [inQuery(folding, type), inDocument(folding, documentType)] },
  ];
}

function accessoryFacts(
  folding: TextFolding,
  { type, target }: Intent,
  document: LabDocument,
  documentType: string | undefined,
): FactOf<'accessory'>[] {
  const servedWords = attributeWords(folding, document, FOR_ATTRIBUTE);
  if (target !== undefined) {
    if (servedWords.length === 0) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(folding, target)] }];
    if (hasPhrase(servedWords, folding.words(target)))
      return [{ is: 'fits', verdict: 'match', evidence: [inDocument(folding, target)] }];
    return [
      {
        is: 'misfits',
        verdict: 'mismatch',
        evidence: [inQuery(folding, target), inDocument(folding, servedWords.join(' '))],
      },
    ];
  }
  if (type === undefined || type === documentType || !hasPhrase(servedWords, folding.words(type))) return [];
  const offered = documentType === undefined ? [] : [inDocument(folding, documentType)];
  return [{ is: 'only', verdict: 'mismatch', evidence: [inQuery(folding, type), ...offered] }];
}

function brandFacts(folding: TextFolding, { brand }: Intent, document: LabDocument): FactOf<'brand'>[] {
  if (brand === undefined) return [];
  const offered = phraseOf(folding, document.brand);
  if (offered === brand || (offered === '' && hasPhrase(folding.words(document.title), folding.words(brand)))) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(folding, brand)] }];
  }
  if (offered === '') return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(folding, brand)] }];
  return [{ is: 'other', verdict: 'mismatch', evidence: [inQuery(folding, brand), inDocument(folding, offered)] }];
}

function attributeFact(name: string, value: string, document: LabDocument, lexicon: Lexicon): FactOf<'attribute'> {
  const { folding } = lexicon;
  const wanted = folding.words(value);
  const offered = attributeWords(folding, document, name);
  if (hasPhrase(offered, wanted))
    return { is: 'same', of: name, verdict: 'match', evidence: [inDocument(folding, value)] };
  if (offered.length > 0 && lexicon.exclusive.has(name)) {
    return {
      is: 'other',
      of: name,
      verdict: 'mismatch',
      evidence: [inQuery(folding, value), inDocument(folding, offered.join(' '))],
    };
  }
  if (occurs(folding, document, wanted))
    return { is: 'same', of: name, verdict: 'match', evidence: [inDocument(folding, value)] };
  return { is: 'absent', of: name, verdict: 'absent', evidence: [inQuery(folding, value)] };
}

function quantityFacts(
  folding: TextFolding,
  { quantity: asked, atLeast }: Intent,
  document: LabDocument,
): FactOf<'quantity'>[] {
  if (asked === undefined) return [];
  const offers = documentValues(document)
    .flatMap((value) => quantitiesIn(folding, value))
    .filter(({ unit }) => unit === asked.unit);
  const offered = closest(asked, offers);
  if (offered === undefined) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(folding, asked.text)] }];
  const isLarger = offered.value > asked.value;
  if (isSameQuantity(offered, asked) || (atLeast && isLarger)) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(folding, offered.text)] }];
  }
  const isNear = isNearQuantity(offered, asked);
  const found = {
    verdict: isNear ? 'near' : 'mismatch',
    evidence: [inQuery(folding, asked.text), inDocument(folding, offered.text)],
  } as const;
  return [
    { is: isNear ? 'near' : 'far', ...found },
    { is: isLarger ? 'larger' : 'smaller', ...found },
  ];
}

function closest(asked: Quantity, offers: readonly Quantity[]): Quantity | undefined {
  return offers.toSorted((a, b) => Math.abs(a.value - asked.value) - Math.abs(b.value - asked.value))[0];
}

function negationFacts(folding: TextFolding, { without }: Intent, document: LabDocument): FactOf<'negation'>[] {
  const violated = without.find((phrase) => occurs(folding, document, folding.words(phrase)));
  if (violated !== undefined)
    return [{ is: 'violated', verdict: 'violated', evidence: [inDocument(folding, violated)] }];
  return without
    .slice(0, 1)
    .map((phrase) => ({ is: 'respected', verdict: 'match', evidence: [inQuery(folding, phrase)] }));
}

function audienceFacts(folding: TextFolding, { audience }: Intent, document: LabDocument): FactOf<'audience'>[] {
  if (audience === undefined) return [];
  const offered = attributeWords(folding, document, AUDIENCE_ATTRIBUTE);
  if (hasPhrase(offered, folding.words(audience)) || occurs(folding, document, folding.words(audience))) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(folding, audience)] }];
  }
  if (offered.length === 0) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(folding, audience)] }];
  return [
    {
      is: 'other',
      verdict: 'mismatch',
      evidence: [inQuery(folding, audience), inDocument(folding, offered.join(' '))],
    },
  ];
}

/** Whether a phrase occurs in any value of the document. */
function occurs(folding: TextFolding, document: LabDocument, phrase: readonly string[]): boolean {
  return documentValues(document).some((value) => hasPhrase(folding.words(value), phrase));
}

/** Longer evidence is cut to its first words: they suffice to find it and are cheap to copy. */
const EVIDENCE_WORDS = 2;

export function inQuery(folding: TextFolding, text: string): Evidence {
  return { source: 'query', text: folding.words(text).slice(0, EVIDENCE_WORDS).join(' ') };
}

export function inDocument(folding: TextFolding, text: string): Evidence {
  return { source: 'document', text: folding.words(text).slice(0, EVIDENCE_WORDS).join(' ') };
}
