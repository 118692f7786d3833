/**
 * Oddities in a file that are not errors: repeated pairs, grades that contradict each other or have no label, ids with
 * two meanings, and ambiguous columns. They do not change what is read; all are reported, with the rows of a first
 * example.
 */
import { counted } from '../../common/counted.ts';
import { foldGrade, gradeNumber } from '../../protocol/grade-meanings.ts';
import { documentKey } from '../../relevance/pair/document-text.ts';
import type { LabDocument, Pair } from '../../relevance/pair/pair.ts';
import { normaliseQuery } from '../splits.ts';
import type { Columns, Rivals } from './columns.ts';
import { showValue } from './records.ts';

/** Pairs that are compared with each other; more would take too much memory. */
const MAX_PAIRS = 1_000_000;
/** Grades that are listed. */
const SHOWN_GRADES = 5;

/** The kinds of oddities in rows, in the order of the report. */
const WHAT = {
  contradicting: 'with a different grade for an earlier pair',
  repeated: 'with an earlier pair',
  otherText: 'with different text under an earlier docId, treated as a different document',
  otherQuery: 'with a different query under an earlier queryId, treated as the same list',
} as const;
type What = keyof typeof WHAT;

/** Collects the oddities of one file of pairs or documents. */
export class Findings {
  readonly #rivals = new Map<string, Rivals>();
  /** The numbers of documents by id and texts. */
  readonly #documents = new Map<string, number>();
  /** The first row of each document id. */
  readonly #firstRows = new Map<string, number>();
  readonly #queries = new Map<string, { readonly number: number; readonly row: number; readonly query: string }>();
  /** By the numbers of query and document. */
  readonly #pairs = new Map<number, { readonly row: number; readonly grade: string }>();
  readonly #unread = new Map<string, { count: number; readonly row: number }>();
  readonly #found = new Map<What, { count: number; readonly example: string }>();
  #declaredNone = 0;
  #pairCount = 0;

  /** Records the columns of some records. */
  addColumns({ rivals }: Columns): void {
    for (const one of rivals) this.addRivals(one);
  }

  /** Records what several columns or nested documents qualify for. */
  addRivals(rivals: Rivals): void {
    this.#rivals.set(JSON.stringify(rivals), rivals);
  }

  /** Records a pair. @param grade - as in the file, empty for none */
  addPair(row: number, { query, queryId, document }: Pair & { readonly queryId: string }, grade: string): void {
    this.#pairCount += 1;
    if (this.#pairCount > MAX_PAIRS) return;
    const key = this.#numberOfQuery(row, queryId, normaliseQuery(query)) * MAX_PAIRS + this.#numberOf(row, document);
    const before = this.#pairs.get(key);
    if (before === undefined) {
      this.#pairs.set(key, { row, grade });
    } else if (isSameGrade(before.grade, grade)) {
      this.#count('repeated', `row ${row} repeats row ${before.row}`);
    } else {
      this.#count(
        'contradicting',
        `${showGrade(grade)} in row ${row}, ${showGrade(before.grade)} in row ${before.row}`,
      );
    }
  }

  /** Records a grade without a label. @param isNone - whether the user declared it as none */
  addUnreadGrade(row: number, grade: string, isNone: boolean): void {
    const known = this.#unread.get(grade);
    if (isNone) this.#declaredNone += 1;
    else if (known === undefined) this.#unread.set(grade, { count: 1, row });
    else known.count += 1;
  }

  /** The findings, one sentence each. */
  sentences(): string[] {
    const rows = (Object.keys(WHAT) as What[]).flatMap((what) => {
      const found = this.#found.get(what);
      return found === undefined ? [] : [`${counted(found.count, 'row')} ${WHAT[what]}: ${found.example}.`];
    });
    return [
      ...[...this.#rivals.values()].map(describeRivals),
      ...rows,
      ...this.#unreadSentence(),
      ...(this.#declaredNone === 0 ? [] : [`${counted(this.#declaredNone, 'row')} with a grade declared as none.`]),
      ...(this.#pairCount <= MAX_PAIRS
        ? []
        : [`Pairs after the first ${MAX_PAIRS.toLocaleString('en')} were not compared with each other.`]),
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
      `${counted(total, 'row')} with a grade that has no label, and so without a comparison: ${listed.join(', ')}${more}.`,
    ];
  }

  #numberOfQuery(row: number, queryId: string, query: string): number {
    const before = this.#queries.get(queryId);
    if (before === undefined) {
      const number = this.#queries.size;
      this.#queries.set(queryId, { number, row, query });
      return number;
    }
    if (before.query !== query) {
      this.#count('otherQuery', `${showValue(query)} in row ${row}, ${showValue(before.query)} in row ${before.row}`);
    }
    return before.number;
  }

  /** Numbers documents: by id, and within one id by content. */
  #numberOf(row: number, document: LabDocument): number {
    const { docId } = document;
    const key = JSON.stringify([docId, documentKey(document)]);
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const firstRow = this.#firstRows.get(docId);
    if (firstRow === undefined) this.#firstRows.set(docId, row);
    else this.#count('otherText', `${showValue(docId)} in row ${row} and row ${firstRow}`);
    const number = this.#documents.size;
    this.#documents.set(key, number);
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
  return `${JSON.stringify(chosen)} is used as the ${role}; ${names} would also qualify.`;
}

function isSameGrade(one: string, other: string): boolean {
  return foldGrade(one) === foldGrade(other) || (gradeNumber(one) ?? NaN) === gradeNumber(other);
}

function showGrade(grade: string): string {
  return grade === '' ? 'no grade' : showValue(grade);
}
