/**
 * The conditions that the deterministic refiner chooses from, drawn only from the train pairs: every relation of the
 * facts, word overlaps by field and bound, phrases, query length, and words and attribute values that documents have
 * but queries do not ask for. Of conditions that hold on the same pairs the first, simplest one is kept.
 */
import type { FiringTable } from '../rules/firing-table.ts';
import type { Condition, Rule } from '../rules/instruction.ts';
import { DOCUMENT_FIELDS } from '../pair/pair.ts';
import { contentWords } from '../pair/text-folding.ts';
import type { Criterion } from '../pair/vocabulary.ts';

/** A condition with the criteria a rule on it could belong to. */
export interface Candidate {
  readonly when: Condition;
  readonly scope?: string;
  readonly criteria: readonly Criterion[];
  /** 1 on each pair where it holds [N]. */
  readonly fired: Uint8Array;
}

/** Limits on what is drawn from the data. More finds more and overfits more. */
const MAX_WORDS = 200;
const MAX_VALUES = 60;
const MAX_ATTRIBUTES = 12;
const MAX_SCOPES = 8;
/** A condition that holds for fewer queries does not generalise. */
const MIN_QUERIES = 3;

const SHARES = [0.01, 0.34, 0.5, 0.67, 1] as const;
const LENGTHS = [2, 3, 4, 5] as const;

/** All candidates of a table, in a fixed order. @param pause - awaited at each condition */
export async function candidatesOf(table: FiringTable, pause: () => Promise<void>): Promise<Candidate[]> {
  const seen = new Set<string>();
  const candidates: Candidate[] = [];
  const consider = async (when: Condition, scope?: string): Promise<void> => {
    await pause();
    const rule: Pick<Rule, 'when' | 'scope'> = scope === undefined ? { when } : { when, scope };
    const fired = table.fires(rule);
    const print = fingerprint(fired);
    if (seen.has(print) || queriesOf(fired, table) < MIN_QUERIES) return;
    seen.add(print);
    const found = { when, criteria: criteriaOf(when), fired };
    candidates.push(scope === undefined ? found : { ...found, scope });
  };
  const relations = [...relationConditions(table)];
  for (const when of relations) await consider(when);
  for (const when of overlapConditions(table)) await consider(when);
  for (const when of phraseConditions()) await consider(when);
  for (const words of LENGTHS) {
    await consider({ kind: 'query-length', is: 'at-least', words });
    await consider({ kind: 'query-length', is: 'below', words });
  }
  for (const word of unaskedWords(table)) await consider({ kind: 'unasked-word', field: 'title', words: [word] });
  for (const [attribute, value] of statedValues(table)) await consider({ kind: 'unasked', attribute, values: [value] });
  for (const scope of categories(table)) for (const when of relations) await consider(when, scope);
  return candidates;
}

function* relationConditions(table: FiringTable): Generator<Condition> {
  for (const is of ['same', 'different', 'alternative'] as const) yield { kind: 'type', is: [is] };
  for (const kind of ['brand', 'audience'] as const) {
    for (const is of ['same', 'other', 'absent'] as const) yield { kind, is: [is] };
    yield { kind, is: ['other', 'absent'] };
  }
  const wished = table.facts.flatMap(({ relations }) => relations.attribute.map(({ of }) => of ?? ''));
  for (const of of [undefined, ...mostFrequent(wished, MAX_ATTRIBUTES)]) {
    const one = of === undefined ? {} : { of };
    for (const is of ['same', 'other', 'absent'] as const) yield { kind: 'attribute', is: [is], ...one };
    yield { kind: 'attribute', is: ['other', 'absent'], ...one };
  }
  for (const is of ['same', 'near', 'far', 'larger', 'smaller', 'absent'] as const)
    yield { kind: 'quantity', is: [is] };
  yield { kind: 'quantity', is: ['near', 'far'] };
  yield { kind: 'quantity', is: ['near', 'absent'] };
  for (const is of ['respected', 'violated'] as const) yield { kind: 'negation', is: [is] };
  for (const is of ['fits', 'misfits', 'absent', 'only'] as const) yield { kind: 'accessory', is: [is] };
  yield { kind: 'accessory', is: ['misfits', 'absent'] };
}

function* overlapConditions(table: FiringTable): Generator<Condition> {
  for (const field of ['any', ...DOCUMENT_FIELDS] as const) {
    for (const share of SHARES) yield* bounds({ kind: 'overlap', field, share });
  }
  for (const field of ['title', 'brand', 'type'] as const) {
    for (const share of SHARES) yield* bounds({ kind: 'overlap', field, side: 'field', share });
  }
  const names = table.pairs.flatMap(({ document }) => Object.keys(document.attributes));
  for (const of of mostFrequent(names, MAX_ATTRIBUTES)) {
    for (const share of [0.01, 0.5, 1]) yield* bounds({ kind: 'overlap', field: 'attributes', of, share });
    yield* bounds({ kind: 'overlap', field: 'attributes', of, side: 'field', share: 1 });
  }
}

type Overlap = Extract<Condition, { kind: 'overlap' }>;

function* bounds(overlap: Omit<Overlap, 'is'>): Generator<Condition> {
  yield { ...overlap, is: 'at-least' };
  yield { ...overlap, is: 'below' };
}

function* phraseConditions(): Generator<Condition> {
  for (const field of ['title', 'type', 'brand', 'text', 'attributes'] as const) {
    for (const is of ['equal', 'query-in-field', 'field-in-query'] as const) yield { kind: 'phrase', field, is: [is] };
    yield { kind: 'phrase', field, is: ['query-in-field', 'field-in-query'] };
  }
}

/** Title words that the query lacks, most frequent first. */
function unaskedWords(table: FiringTable): string[] {
  const words = table.facts.flatMap(({ words: { query, folding }, pair }) =>
    [...contentWords(folding, pair.document.title)].filter(
      (stem) => /^\p{L}{3,}$/u.test(stem) && !query.stems.has(stem),
    ),
  );
  return mostFrequent(words, MAX_WORDS);
}

/** Attribute values of one or two words, most frequent first. */
function statedValues(table: FiringTable): [attribute: string, value: string][] {
  const stated = table.facts.flatMap(({ pair, words: { folding } }) =>
    Object.entries(pair.document.attributes).flatMap(([name, value]) => {
      if (typeof value !== 'string') return [];
      return contentWords(folding, value).size > 0 && value.length <= 24 ? [JSON.stringify([name, value])] : [];
    }),
  );
  return mostFrequent(stated, MAX_VALUES).map((key) => JSON.parse(key) as [string, string]);
}

/** Categories that at least one pair in twenty has. */
function categories(table: FiringTable): string[] {
  const known = table.facts.flatMap(({ category }) => (category === undefined || category === '' ? [] : [category]));
  const counts = countsOf(known);
  return mostFrequent(known, MAX_SCOPES).filter((name) => (counts.get(name) ?? 0) >= table.size / 20);
}

function criteriaOf(when: Condition): Criterion[] {
  switch (when.kind) {
    case 'type':
    case 'brand':
    case 'attribute':
    case 'quantity':
    case 'negation':
    case 'accessory':
    case 'audience':
      return [when.kind, 'overall'];
    case 'unasked':
      return ['attribute', 'overall'];
    case 'unasked-word':
      return ['type', 'overall'];
    case 'overlap':
    case 'phrase':
      if (when.field === 'type' || when.field === 'brand') return [when.field, 'overall'];
      return when.field === 'attributes' ? ['attribute', 'overall'] : ['overall'];
    case 'query-length':
      return ['overall'];
    default:
      return when satisfies never;
  }
}

function queriesOf(fired: Uint8Array, table: FiringTable): number {
  const queries = new Set<number | undefined>();
  for (let i = 0; i < fired.length && queries.size < MIN_QUERIES; i++) {
    if (fired[i] === 1) queries.add(table.queryOf[i]);
  }
  return queries.size;
}

function fingerprint(fired: Uint8Array): string {
  let print = '';
  for (let i = 0; i < fired.length; i += 15) {
    let bits = 0;
    for (let bit = 0; bit < 15; bit++) bits = bits * 2 + (fired[i + bit] ?? 0);
    print += String.fromCharCode(bits);
  }
  return print;
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** The most frequent items, ties by name. */
function mostFrequent(items: readonly string[], most: number): string[] {
  return [...countsOf(items)]
    .toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([item]) => item);
}
