/**
 * What is strange in a file without being an error: pairs that come twice, grades that contradict each other or have no
 * label, ids with two meanings, and columns that could have been another. Nothing of it changes what is read; all of it is
 * said, with the rows of a first example.
 */
import { foldGrade, gradeNumber } from '../../protocol/grade-meanings.ts';
import type { LabDocument, Pair } from '../../relevance/pair/pair.ts';
import { normaliseQuery } from '../splits.ts';
import type { Columns, Rivals } from './columns.ts';
import { saysTheSame } from './content-id.ts';
import { showValue } from './records.ts';

/** Pairs that are compared with each other; more would take too much memory. */
const MOST_PAIRS = 1_000_000;
/** Grades that are listed. */
const SHOWN_GRADES = 5;

/** What rows can be found to have, in the order in which it is said. */
const WHAT = {
  contradicting: 'with another grade for a pair that came before',
  repeated: 'with a pair that came before',
  otherText: 'with other text under a docId that came before, taken for another document',
  otherQuery: 'with another query under a queryId that came before, taken for the same list',
} as const;
type What = keyof typeof WHAT;

/** Gathers what is found in one file of pairs or documents. */
export class Findings {
  readonly #rivals = new Map<string, Rivals>();
  readonly #documents = new Map<
    string,
    { readonly number: number; readonly row: number; readonly document: LabDocument }[]
  >();
  readonly #queries = new Map<string, { readonly row: number; readonly query: string }>();
  readonly #pairs = new Map<string, { readonly row: number; readonly grade: string }>();
  readonly #unread = new Map<string, { count: number; readonly row: number }>();
  readonly #found = new Map<What, { count: number; readonly example: string }>();
  #documentCount = 0;
  #saidNone = 0;
  #pairCount = 0;

  /** Takes note of the columns of some records. */
  addColumns({ rivals }: Columns): void {
    for (const one of rivals) this.#rivals.set(JSON.stringify(one), one);
  }

  /** Takes note of a pair. @param grade - as the file has it, empty for none */
  addPair(row: number, { query, queryId, document }: Pair & { readonly queryId: string }, grade: string): void {
    this.#pairCount += 1;
    if (this.#pairCount > MOST_PAIRS) return;
    this.#addQuery(row, queryId, normaliseQuery(query));
    const key = `${this.#numberOf(row, document)} ${queryId}`;
    const before = this.#pairs.get(key);
    if (before === undefined) {
      this.#pairs.set(key, { row, grade });
    } else if (isSameGrade(before.grade, grade)) {
      this.#count('repeated', `row ${row} is row ${before.row} again`);
    } else {
      this.#count(
        'contradicting',
        `${showGrade(grade)} in row ${row}, ${showGrade(before.grade)} in row ${before.row}`,
      );
    }
  }

  /** Takes note of a grade that has no label. @param isNone - whether the user says that it is no grade */
  addUnreadGrade(row: number, grade: string, isNone: boolean): void {
    const known = this.#unread.get(grade);
    if (isNone) this.#saidNone += 1;
    else if (known === undefined) this.#unread.set(grade, { count: 1, row });
    else known.count += 1;
  }

  /** What was found, a sentence each. */
  sentences(): string[] {
    const rows = (Object.keys(WHAT) as What[]).flatMap((what) => {
      const found = this.#found.get(what);
      return found === undefined ? [] : [`${counted(found.count, 'row')} ${WHAT[what]}: ${found.example}.`];
    });
    return [
      ...[...this.#rivals.values()].map(describeRivals),
      ...rows,
      ...this.#unreadSentence(),
      ...(this.#saidNone === 0 ? [] : [`${counted(this.#saidNone, 'row')} with a grade that is said to be none.`]),
      ...(this.#pairCount <= MOST_PAIRS
        ? []
        : [`Pairs behind the first ${MOST_PAIRS.toLocaleString('en')} were not compared with each other.`]),
    ];
  }

  #unreadSentence(): string[] {
    if (this.#unread.size === 0) return [];
    const [...all] = this.#unread;
    const listed = all
      .slice(0, SHOWN_GRADES)
      .map(([grade, { count, row }]) => `${showValue(grade)} (${counted(count, 'row')}, first ${row})`);
    const more = all.length > SHOWN_GRADES ? ` and ${all.length - SHOWN_GRADES} more` : '';
    const total = all.reduce((sum, [, { count }]) => sum + count, 0);
    return [
      `${counted(total, 'row')} with a grade that has no label, and so compared with nothing: ${listed.join(', ')}${more}.`,
    ];
  }

  #addQuery(row: number, queryId: string, query: string): void {
    const before = this.#queries.get(queryId);
    if (before === undefined) this.#queries.set(queryId, { row, query });
    else if (before.query !== query) {
      this.#count('otherQuery', `${showValue(query)} in row ${row}, ${showValue(before.query)} in row ${before.row}`);
    }
  }

  /** Tells documents apart: by id, and those of one id by what they say. */
  #numberOf(row: number, document: LabDocument): number {
    const known = this.#documents.get(document.docId) ?? [];
    const same = known.find((one) => saysTheSame(one.document, document));
    if (same !== undefined) return same.number;
    const [first] = known;
    if (first === undefined) this.#documents.set(document.docId, known);
    else this.#count('otherText', `${showValue(document.docId)} in row ${row} and row ${first.row}`);
    const number = this.#documentCount++;
    known.push({ number, row, document });
    return number;
  }

  #count(what: What, example: string): void {
    const found = this.#found.get(what);
    if (found === undefined) this.#found.set(what, { count: 1, example });
    else found.count += 1;
  }
}

function describeRivals({ role, chosen, others }: Rivals): string {
  const names = others.map((name) => JSON.stringify(name)).join(', ');
  return `${JSON.stringify(chosen)} is taken for the ${role}; ${names} could be it too.`;
}

function isSameGrade(one: string, other: string): boolean {
  return foldGrade(one) === foldGrade(other) || (gradeNumber(one) ?? NaN) === gradeNumber(other);
}

function showGrade(grade: string): string {
  return grade === '' ? 'no grade' : showValue(grade);
}

function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
}
