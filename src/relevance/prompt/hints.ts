/**
 * The word overlap of a pair in a few tokens. A tiny model cannot compare unseen words letter by letter; bucketed
 * overlaps and one number hint let it generalise to brands and types that it never saw.
 */
import { documentValues, fieldText } from '../pair/document-text.ts';
import { DOCUMENT_FIELDS, type DocumentField, type Pair } from '../pair/pair.ts';
import { isNearQuantity, isSameQuantity, quantitiesIn } from '../pair/quantities.ts';
import type { TextFolding } from '../pair/folding.ts';
import { contentWords } from '../pair/text-folding.ts';
import { HINT_BUCKETS, type NumberHint } from '../pair/vocabulary.ts';

/** The hints of one pair; overlaps are buckets: 0 none, 1 some, 2 most (half or more), 3 all. */
export interface PairHints {
  /**
   * For brand and type the share of the field's words in the query, for other fields of the query's words in the field.
   */
  readonly overlap: Readonly<Record<DocumentField, number>>;
  /** The share of query words found anywhere in the document. */
  readonly query: number;
  readonly number: NumberHint;
}

/** The hints of a pair. Stop words are ignored; a field without words has no overlap. */
export function pairHints(folding: TextFolding, pair: Pair): PairHints {
  const queryWords = contentWords(folding, pair.query);
  const words = new Map(
    DOCUMENT_FIELDS.map((field) => [field, contentWords(folding, fieldText(pair.document, field))] as const),
  );
  const fieldWords = (field: DocumentField): ReadonlySet<string> => words.get(field) ?? new Set();
  const everywhere = new Set([...words.values()].flatMap((each) => [...each]));
  return {
    overlap: {
      title: bucketOf(queryWords, fieldWords('title')),
      // A query names a brand and a type among other words, so the share of the field's words matters.
      brand: bucketOf(fieldWords('brand'), queryWords),
      type: bucketOf(fieldWords('type'), queryWords),
      attributes: bucketOf(queryWords, fieldWords('attributes')),
      text: bucketOf(queryWords, fieldWords('text')),
    },
    query: bucketOf(queryWords, everywhere),
    number: numberHint(folding, pair),
  };
}

/** The bucket of the share of `wanted` that is in `available`. */
function bucketOf(wanted: ReadonlySet<string>, available: ReadonlySet<string>): number {
  if (wanted.size === 0) return 0;
  let found = 0;
  for (const word of wanted) if (available.has(word)) found++;
  if (found === 0) return 0;
  if (found === wanted.size) return HINT_BUCKETS - 1;
  return found / wanted.size < 0.5 ? 1 : 2;
}

/** The best match of the query's quantities in the document: same, near (within 20 %), far, or none of that unit. */
function numberHint(folding: TextFolding, { query, document }: Pair): NumberHint {
  const wanted = quantitiesIn(folding, query);
  if (wanted.length === 0) return 'none';
  const offered = documentValues(document).flatMap((value) => quantitiesIn(folding, value));
  const meets = (test: (got: (typeof offered)[number], want: (typeof wanted)[number]) => boolean): boolean =>
    wanted.some((want) => offered.some((got) => test(got, want)));
  if (meets(isSameQuantity)) return 'same';
  if (meets(isNearQuantity)) return 'near';
  return meets((got, want) => got.unit === want.unit) ? 'far' : 'absent';
}
