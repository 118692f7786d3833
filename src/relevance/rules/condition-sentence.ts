/**
 * A condition as a readable sentence, for rules found by search. The exact form, which can be parsed, is
 * `conditionText`.
 */
import type { Condition } from './instruction.ts';

type Overlap = Extract<Condition, { kind: 'overlap' }>;
type Phrase = Extract<Condition, { kind: 'phrase' }>['is'][number];

/** The sentence, with the category if the rule is restricted to one. */
export function conditionSentence(when: Condition, scope?: string): string {
  const place = scope === undefined ? '' : ` (${scope} only)`;
  return `${sentence(when)}${place}.`;
}

function sentence(when: Condition): string {
  switch (when.kind) {
    case 'type':
    case 'brand':
    case 'quantity':
    case 'audience':
      return `The ${when.kind} asked for, in the document: ${when.is.join(' or ')}`;
    case 'attribute':
      return `The ${when.of ?? 'property'} asked for, in the document: ${when.is.join(' or ')}`;
    case 'negation':
      return `What the query excludes: ${when.is.join(' or ')}`;
    case 'accessory':
      return `An accessory, and what it is for: ${when.is.join(' or ')}`;
    case 'unasked':
      return `The ${when.attribute} is ${when.values.join(' or ')}, which nobody asked for`;
    case 'unasked-word':
      return `${capital(fieldName(when.field))} says ${when.words.join(' or ')}, which nobody asked for`;
    case 'overlap':
      return overlapSentence(when);
    case 'phrase':
      return when.is.map((relation) => phraseSentence(when.field, relation)).join(', or ');
    case 'query-length':
      return `The query has ${when.is === 'below' ? 'fewer than' : 'at least'} ${when.words} words that carry meaning`;
    default:
      return when satisfies never;
  }
}

function overlapSentence({ field, of, side, is, share }: Overlap): string {
  const place = of === undefined ? fieldName(field) : `the ${of}`;
  const [counted, other] = side === 'field' ? [place, 'the query'] : ['the query', place];
  const amount = amountOf(is, share);
  return `${amount} of ${counted} ${amount.endsWith('s') ? 'are' : 'is'} in ${other}`;
}

/** A share in words: any, all, or the bound. */
function amountOf(is: Overlap['is'], share: number): string {
  if (is === 'at-least') {
    if (share === 1) return 'Every word';
    return share > 0.01
      ? `At least ${percent(share)} of the words`
      : share > 0
        ? 'Some word'
        : 'Any share of the words';
  }
  if (share === 1) return 'Not every word';
  return share > 0.01 ? `Less than ${percent(share)} of the words` : 'No word';
}

function phraseSentence(field: string, relation: Phrase): string {
  const place = fieldName(field);
  switch (relation) {
    case 'equal':
      return `${capital(place)} is the query`;
    case 'query-in-field':
      return `The whole query stands in ${place} in one run`;
    case 'field-in-query':
      return `${capital(place)} as a whole stands in the query`;
    default:
      return relation satisfies never;
  }
}

function fieldName(field: string): string {
  if (field === 'any') return 'the document';
  return field === 'attributes' ? 'an attribute' : `the ${field}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
