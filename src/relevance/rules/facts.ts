/**
 * How a pair stands in each respect a condition can ask about, with the words that show it. Facts are read once per
 * pair; conditions (execute.ts) only look them up.
 *
 * Evidence is as short as it can be: the matching word of the document, the asked and the offered word of a mismatch,
 * the asked word of something absent.
 */
import { attributeValueText, documentValues } from '../pair/document-text.ts';
import type { Condition } from './instruction.ts';
import { type Intent, parseIntent } from './intent.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { LabDocument, Pair } from '../pair/pair.ts';
import { PairWords } from '../pair/pair-words.ts';
import { hasPhrase, phraseOf } from '../pair/phrases.ts';
import { isNearQuantity, isSameQuantity, parseQuantities, type Quantity } from '../pair/quantities.ts';
import { wordsOf } from '../pair/text-folding.ts';
import type { Evidence } from '../trace/trace.ts';
import type { Verdict } from '../pair/vocabulary.ts';

/** The document attributes whose names have a meaning of their own. */
export const CATEGORY_ATTRIBUTE = 'category';
/** What an accessory is for. */
export const FOR_ATTRIBUTE = 'for';
/** What the document is offered as an alternative to. */
export const REPLACES_ATTRIBUTE = 'replaces';
export const AUDIENCE_ATTRIBUTE = 'audience';

/** The conditions that ask for a relation between query and document. */
export type RelationCondition = Extract<
  Condition,
  { kind: 'type' | 'brand' | 'attribute' | 'quantity' | 'negation' | 'accessory' | 'audience' }
>;
type RelationKind = RelationCondition['kind'];
type FactOf<Kind extends RelationKind> = Fact<Extract<RelationCondition, { kind: Kind }>['is'][number]>;

/** What a condition found, and the words that show it. */
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

/** Everything conditions can ask about a pair. An empty list: the query has no such wish, or it cannot be told. */
export interface Facts {
  readonly pair: Pair;
  readonly intent: Intent;
  /** The vertical of the document, else of what the query asks for; undefined where neither is known. */
  readonly category: string | undefined;
  readonly relations: { readonly [Kind in RelationKind]: readonly FactOf<Kind>[] };
  /** The document's type, from its field or title. */
  readonly documentType: string | undefined;
  /** What both sides say word by word, read when it is first asked for. */
  readonly words: PairWords;
}

/** Reads the facts of a pair. Never throws. */
export function readFacts(lexicon: Lexicon, pair: Pair): Facts {
  const { document } = pair;
  const intent = parseIntent(pair.query, lexicon, document);
  const documentType = typeOf(document, intent, lexicon);
  const accessory = accessoryFacts(intent, document, documentType);
  return {
    pair,
    intent,
    category: categoryOf(document, documentType, intent, lexicon),
    documentType,
    words: new PairWords(pair),
    relations: {
      type: accessory.some(({ is }) => is === 'only') ? [] : typeFacts(intent, document, documentType),
      brand: brandFacts(intent, document),
      attribute: intent.wishes.map(({ name, value }) => attributeFact(name, value, document, lexicon)),
      quantity: quantityFacts(intent, document),
      negation: negationFacts(intent, document),
      accessory,
      audience: audienceFacts(intent, document),
    },
  };
}

/** The words of an attribute's value; none where it is not stated. */
function attributeWords(document: LabDocument, name: string): readonly string[] {
  const value = document.attributes[name];
  return value === undefined ? [] : wordsOf(attributeValueText(value));
}

function typeOf(document: LabDocument, intent: Intent, lexicon: Lexicon): string | undefined {
  const phrase = phraseOf(document.type);
  if (phrase !== '') return phrase;
  const title = wordsOf(document.title);
  if (intent.type !== undefined && hasPhrase(title, wordsOf(intent.type))) return intent.type;
  return title.findLast((word) => lexicon.types.has(word));
}

function categoryOf(
  document: LabDocument,
  documentType: string | undefined,
  intent: Intent,
  lexicon: Lexicon,
): string | undefined {
  const stated = attributeWords(document, CATEGORY_ATTRIBUTE).join(' ');
  return (
    (stated === '' ? undefined : stated) ??
    lexicon.types.get(documentType ?? '') ??
    lexicon.types.get(intent.type ?? '')
  );
}

function typeFacts({ type }: Intent, document: LabDocument, documentType: string | undefined): FactOf<'type'>[] {
  if (type === undefined || documentType === undefined) return [];
  if (type === documentType) return [{ is: 'same', verdict: 'match', evidence: [inDocument(type)] }];
  if (hasPhrase(attributeWords(document, REPLACES_ATTRIBUTE), wordsOf(type))) {
    return [{ is: 'alternative', verdict: 'near', evidence: [inDocument(type)] }];
  }
  return [{ is: 'different', verdict: 'mismatch', evidence: [inQuery(type), inDocument(documentType)] }];
}

function accessoryFacts(
  { type, target }: Intent,
  document: LabDocument,
  documentType: string | undefined,
): FactOf<'accessory'>[] {
  const servedWords = attributeWords(document, FOR_ATTRIBUTE);
  if (target !== undefined) {
    if (servedWords.length === 0) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(target)] }];
    if (hasPhrase(servedWords, wordsOf(target)))
      return [{ is: 'fits', verdict: 'match', evidence: [inDocument(target)] }];
    return [{ is: 'misfits', verdict: 'mismatch', evidence: [inQuery(target), inDocument(servedWords.join(' '))] }];
  }
  if (type === undefined || type === documentType || !hasPhrase(servedWords, wordsOf(type))) return [];
  const offered = documentType === undefined ? [] : [inDocument(documentType)];
  return [{ is: 'only', verdict: 'mismatch', evidence: [inQuery(type), ...offered] }];
}

function brandFacts({ brand }: Intent, document: LabDocument): FactOf<'brand'>[] {
  if (brand === undefined) return [];
  const offered = phraseOf(document.brand);
  if (offered === brand || (offered === '' && hasPhrase(wordsOf(document.title), wordsOf(brand)))) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(brand)] }];
  }
  if (offered === '') return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(brand)] }];
  return [{ is: 'other', verdict: 'mismatch', evidence: [inQuery(brand), inDocument(offered)] }];
}

function attributeFact(name: string, value: string, document: LabDocument, lexicon: Lexicon): FactOf<'attribute'> {
  const wanted = wordsOf(value);
  const offered = attributeWords(document, name);
  if (hasPhrase(offered, wanted)) return { is: 'same', of: name, verdict: 'match', evidence: [inDocument(value)] };
  if (offered.length > 0 && lexicon.exclusive.has(name)) {
    return { is: 'other', of: name, verdict: 'mismatch', evidence: [inQuery(value), inDocument(offered.join(' '))] };
  }
  if (stands(document, wanted)) return { is: 'same', of: name, verdict: 'match', evidence: [inDocument(value)] };
  return { is: 'absent', of: name, verdict: 'absent', evidence: [inQuery(value)] };
}

function quantityFacts({ quantity: asked, atLeast }: Intent, document: LabDocument): FactOf<'quantity'>[] {
  if (asked === undefined) return [];
  const offers = documentValues(document)
    .flatMap(parseQuantities)
    .filter(({ unit }) => unit === asked.unit);
  const offered = closest(asked, offers);
  if (offered === undefined) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(asked.text)] }];
  const isLarger = offered.value > asked.value;
  if (isSameQuantity(offered, asked) || (atLeast && isLarger)) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(offered.text)] }];
  }
  const isNear = isNearQuantity(offered, asked);
  const found = {
    verdict: isNear ? 'near' : 'mismatch',
    evidence: [inQuery(asked.text), inDocument(offered.text)],
  } as const;
  return [
    { is: isNear ? 'near' : 'far', ...found },
    { is: isLarger ? 'larger' : 'smaller', ...found },
  ];
}

function closest(asked: Quantity, offers: readonly Quantity[]): Quantity | undefined {
  return offers.toSorted((a, b) => Math.abs(a.value - asked.value) - Math.abs(b.value - asked.value))[0];
}

function negationFacts({ without }: Intent, document: LabDocument): FactOf<'negation'>[] {
  const violated = without.find((phrase) => stands(document, wordsOf(phrase)));
  if (violated !== undefined) return [{ is: 'violated', verdict: 'violated', evidence: [inDocument(violated)] }];
  return without.slice(0, 1).map((phrase) => ({ is: 'respected', verdict: 'match', evidence: [inQuery(phrase)] }));
}

function audienceFacts({ audience }: Intent, document: LabDocument): FactOf<'audience'>[] {
  if (audience === undefined) return [];
  const offered = attributeWords(document, AUDIENCE_ATTRIBUTE);
  if (hasPhrase(offered, wordsOf(audience)) || stands(document, wordsOf(audience))) {
    return [{ is: 'same', verdict: 'match', evidence: [inDocument(audience)] }];
  }
  if (offered.length === 0) return [{ is: 'absent', verdict: 'absent', evidence: [inQuery(audience)] }];
  return [{ is: 'other', verdict: 'mismatch', evidence: [inQuery(audience), inDocument(offered.join(' '))] }];
}

/** Whether a phrase stands in any value of the document. */
function stands(document: LabDocument, phrase: readonly string[]): boolean {
  return documentValues(document).some((value) => hasPhrase(wordsOf(value), phrase));
}

/** Longer evidence is cut to its first words: enough to find it, cheap to copy. */
const EVIDENCE_WORDS = 2;

export function inQuery(text: string): Evidence {
  return { source: 'query', text: wordsOf(text).slice(0, EVIDENCE_WORDS).join(' ') };
}

export function inDocument(text: string): Evidence {
  return { source: 'document', text: wordsOf(text).slice(0, EVIDENCE_WORDS).join(' ') };
}
