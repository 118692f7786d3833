/**
 * The meanings of a file's grades, where they are not labels themselves: `Y=1,N=0`. The command line has this text as
 * an option, runs have it as a setting, and the page's chooser writes it:
 *
 *     meanings := meaning ("," meaning)*
 *     meaning  := value "=" label
 *     value    := a text or number | (">=" | ">" | "<=" | "<") number | "*" (all other grades) | any text in double quotes
 *     label    := 0 to 5 | "none" (no grade)
 *
 * The first meaning that matches a grade applies, "*" last. Case and surrounding spaces are ignored, and 2, 2.0 and 2,0
 * are the same number. A grade without a matching meaning has no label, unless all meanings are "none": then other
 * grades are read as usual.
 */
import * as v from 'valibot';
import { LabError, messageOf } from '../common/errors.ts';
import { MAX_SCALE } from '../relevance/pair/labels.ts';

/** What a grade is compared with: a folded text, a number or a bound, or nothing, which every grade matches. */
type GradeTest =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bound'; readonly operator: string; readonly bound: number }
  | { readonly kind: 'rest' };

interface GradeMeaning {
  readonly test: GradeTest;
  /** Null for no grade. */
  readonly label: number | null;
}

// A value without quotes has no "=" except in a bound, and no comma except between digits.
const MEANING = /^\s*(?:"((?:[^"]|"")+)"|(?=\S)((?:[<>]=)?(?:[^"=,]|(?<=\d),(?=\d))+?))\s*=\s*(\d+|none)\s*(?:,|$)/iu;
const BOUND = /^(>=|>|<=|<)\s*(.+)$/u;
/** Allows a decimal comma as well as a point. */
const NUMBER = /^[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)$/u;

/** The syntax of grade meanings in one line, for help texts. */
export const GRADE_GRAMMAR =
  'what grades mean, as VALUE=LABEL[,VALUE=LABEL...]: a value is a text, a number, a bound like >=2.5, or * for all others; ' +
  'a label is 0 to 5, or none for no grade; in double quotes a value is always a text';

/** Parsed meanings of grades. */
export class GradeMeanings {
  /** Labels that a grade can have, ascending. */
  readonly labels: readonly number[];
  readonly #meanings: readonly GradeMeaning[];

  /** @throws {LabError} `bad-config` unless the text follows the grammar above */
  constructor(text: string) {
    const meanings = readMeanings(text);
    this.#meanings = [
      ...meanings.filter(({ test }) => test.kind !== 'rest'),
      ...meanings.filter(({ test }) => test.kind === 'rest'),
    ];
    const labels = new Set(meanings.flatMap(({ label }) => (label === null ? [] : [label])));
    this.labels = [...labels].toSorted((a, b) => a - b);
  }

  /** Whether only these meanings assign labels to grades. */
  get isComplete(): boolean {
    return this.labels.length > 0;
  }

  /** The label of a grade, null if it is declared none, undefined if no meaning matches. */
  labelOf(grade: string): number | null | undefined {
    const text = foldGrade(grade);
    const value = gradeNumber(grade);
    return this.#meanings.find(({ test }) => fits(test, text, value))?.label;
  }
}

/** @throws {LabError} `bad-config` unless a text follows the grammar above */
export function checkGradeMeanings(text: string): void {
  readMeanings(text);
}

/** Meanings of grades as a setting; empty for the usual ones. */
export const gradeMeaningsSchema = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value === '') return;
    try {
      readMeanings(dataset.value);
    } catch (error) {
      addIssue({ message: messageOf(error) });
    }
  }),
);

/** A grade as a meaning names it, quoted where it would otherwise be read as something else. */
export function quoteGrade(grade: string): string {
  return /^["*<>]|[=,"]|^\s|\s$/u.test(grade) ? `"${grade.replaceAll('"', '""')}"` : grade;
}

/** A grade in the form used for comparison: Unicode-normalised, lower case, single spaces, trimmed. */
export function foldGrade(grade: string): string {
  return grade.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}

/** The number in a grade, with a decimal point or comma; undefined if it is not a number. */
export function gradeNumber(grade: string): number | undefined {
  const text = foldGrade(grade);
  return NUMBER.test(text) ? Number(text.replace(',', '.')) : undefined;
}

function fits(test: GradeTest, text: string, value: number | undefined): boolean {
  switch (test.kind) {
    case 'text':
      return test.text === text || (value !== undefined && gradeNumber(test.text) === value);
    case 'bound':
      return value !== undefined && isWithin(value, test.operator, test.bound);
    case 'rest':
      return true;
    default:
      return test satisfies never;
  }
}

function isWithin(value: number, operator: string, bound: number): boolean {
  if (operator === '>=') return value >= bound;
  if (operator === '>') return value > bound;
  return operator === '<=' ? value <= bound : value < bound;
}

function readMeanings(text: string): GradeMeaning[] {
  const meanings: GradeMeaning[] = [];
  const labels = new Map<string, number | null>();
  for (let rest = text; rest.trim() !== '';) {
    const [whole, quoted, bare = '', word = ''] = MEANING.exec(rest) ?? [];
    if (whole === undefined) throw badMeaning(rest);
    rest = rest.slice(whole.length);
    const label = word.toLowerCase() === 'none' ? null : Number(word);
    if (label !== null && label >= MAX_SCALE) throw badMeaning(whole);
    const test: GradeTest =
      quoted === undefined ? readTest(bare, whole) : { kind: 'text', text: foldGrade(quoted.replaceAll('""', '"')) };
    const key = JSON.stringify(test);
    if (labels.has(key) && labels.get(key) !== label) throw badMeaning(whole, 'a grade has two meanings');
    labels.set(key, label);
    meanings.push({ test, label });
  }
  if (meanings.length === 0) throw badMeaning(text);
  return meanings;
}

function readTest(value: string, whole: string): GradeTest {
  if (value === '*') return { kind: 'rest' };
  const [, operator, number] = BOUND.exec(value) ?? [];
  if (operator === undefined || number === undefined) return { kind: 'text', text: foldGrade(value) };
  const bound = gradeNumber(number);
  if (bound === undefined) throw badMeaning(whole);
  return { kind: 'bound', operator, bound };
}

function badMeaning(got: string, problem = 'the meanings of grades cannot be read'): LabError {
  return new LabError('bad-config', {
    message: `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`,
    expected: `VALUE=LABEL with a label from 0 to ${MAX_SCALE - 1} or none, such as "Y=1,N=0" or ">=2.5=1,<2.5=0"`,
    got: JSON.stringify(got.slice(0, 60)),
  });
}
