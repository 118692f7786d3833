/**
 * Conditions on the words of a pair, regardless of meaning: how many are shared, whether they form a run, how many the
 * query has, and words of the document that the query lacks. They need no lexicon, so they apply to any data.
 */
import { type Found, inDocument, inQuery } from './facts.ts';
import type { Condition } from './instruction.ts';
import { asWritten, type FieldWords, type PairWords, type WordText } from '../pair/pair-words.ts';
import { contentWords } from '../pair/text-folding.ts';
import type { Evidence } from '../trace/trace.ts';

type ConditionOf<Kind extends Condition['kind']> = Extract<Condition, { kind: Kind }>;
export type WordCondition = ConditionOf<'overlap' | 'phrase' | 'query-length' | 'unasked-word'>;

/** What a condition finds among the words of a pair; undefined if it does not hold. */
export function findWords(condition: WordCondition, words: PairWords): Found | undefined {
  switch (condition.kind) {
    case 'overlap':
      return overlap(condition, words);
    case 'phrase':
      return phrase(condition, words);
    case 'query-length':
      return queryLength(condition, words);
    case 'unasked-word':
      return unaskedWord(condition, words);
    default:
      return condition satisfies never;
  }
}

function overlap({ field, of, side, is, share }: ConditionOf<'overlap'>, words: PairWords): Found | undefined {
  const offered = words.field(field, of);
  const [counted, other] = side === 'field' ? [offered, words.query] : [words.query, offered];
  if (counted.stems.size === 0) return undefined;
  let shared = 0;
  for (const stem of counted.stems) if (other.stems.has(stem)) shared++;
  if (shared / counted.stems.size >= share !== (is === 'at-least')) return undefined;

  const wanted = is === 'at-least';
  const shown = [...counted.stems].find((stem) => other.stems.has(stem) === wanted);
  if (wanted) return { verdict: 'match', evidence: quote(inDocument, words, asWritten(offered, shown)) };
  if (side === 'field') return { verdict: 'mismatch', evidence: quote(inDocument, words, asWritten(offered, shown)) };
  return { verdict: 'absent', evidence: quote(inQuery, words, asWritten(words.query, shown)) };
}

function phrase({ field, is }: ConditionOf<'phrase'>, words: PairWords): Found | undefined {
  const [asked] = words.query.texts;
  if (asked === undefined || asked.content.length === 0) return undefined;
  for (const text of words.field(field).texts) {
    if (text.content.length === 0) continue;
    const at = runStart(text, asked);
    const isInQuery = runStart(asked, text) !== undefined;
    const holds = {
      equal: at !== undefined && isInQuery,
      'query-in-field': at !== undefined,
      'field-in-query': isInQuery,
    };
    if (is.some((relation) => holds[relation])) {
      return {
        verdict: 'match',
        evidence: [inDocument(words.folding, text.words.slice(at ?? text.content[0]?.at).join(' '))],
      };
    }
  }
  return undefined;
}

/** The index of the word at which the content words of `run` occur consecutively in `text`. */
function runStart(text: WordText, run: WordText): number | undefined {
  const last = text.content.length - run.content.length;
  for (let start = 0; start <= last; start++) {
    if (run.content.every(({ stem }, i) => text.content[start + i]?.stem === stem)) return text.content[start]?.at;
  }
  return undefined;
}

function queryLength({ is, words: bound }: ConditionOf<'query-length'>, words: PairWords): Found | undefined {
  const { stems } = words.query;
  if (stems.size >= bound !== (is === 'at-least')) return undefined;
  const [first] = stems;
  return { verdict: 'match', evidence: quote(inQuery, words, asWritten(words.query, first)) };
}

function unaskedWord({ field, words: listed }: ConditionOf<'unasked-word'>, words: PairWords): Found | undefined {
  const offered: FieldWords = words.field(field);
  const found = listed
    .flatMap((word) => [...contentWords(words.folding, word)])
    .find((stem) => offered.stems.has(stem) && !words.query.stems.has(stem));
  return found === undefined
    ? undefined
    : { verdict: 'violated', evidence: quote(inDocument, words, asWritten(offered, found)) };
}

function quote(from: typeof inQuery, { folding }: PairWords, word: string | undefined): Evidence[] {
  return word === undefined ? [] : [from(folding, word)];
}
