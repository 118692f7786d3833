/**
 * Maps the grades of files to labels of a scale: numbers, the scale's label names, or ESCI's letters and words. Nothing
 * is rescaled by guessing: a grade outside the scale has no label unless the user gives its meaning.
 */
import { foldGrade, GradeMeanings, gradeNumber } from '../../protocol/grade-meanings.ts';
import { type LabelScale, MAX_SCALE, MIN_SCALE, scaleOfSize } from '../../relevance/pair/labels.ts';
import { parseExactJson } from './json-text.ts';
import { showValue } from './records.ts';

/** The judgments of Amazon's ESCI set (2206.06588), worst first; used on scales of four labels only. */
const ESCI: readonly (readonly string[])[] = [
  ['i', 'irrelevant'],
  ['c', 'complement'],
  ['s', 'substitute'],
  ['e', 'exact'],
];

/** If more than this share of grades are numbers outside a scale, the grades are on another scale. */
const OTHER_SCALE_SHARE = 0.1;

/** Reads grades on one scale. */
export class GradeReader {
  /** A description of the accepted grades, for error messages. */
  readonly expected: string;
  readonly #meanings: GradeMeanings | undefined;
  readonly #labels: ReadonlyMap<string, number>;
  readonly #size: number;

  /**
   * @param meanings - the meanings of grades, in the syntax of `protocol/grade-meanings.ts`; empty for the usual ones
   * @throws {LabError} `bad-config` if the meanings cannot be parsed
   */
  constructor(scale: LabelScale, meanings = '') {
    this.#meanings = meanings === '' ? undefined : new GradeMeanings(meanings);
    this.#size = scale.size;
    const esci =
      scale.size === ESCI.length
        ? ESCI.flatMap((words, label) => words.map((word): [string, number] => [word, label]))
        : [];
    // The scale's own names come last, so that they override ESCI's.
    this.#labels = new Map([...esci, ...scale.names.map((name, label): [string, number] => [foldGrade(name), label])]);
    const letters = esci.length > 0 ? ', or E, S, C, I' : '';
    this.expected =
      this.#meanings?.isComplete === true
        ? `a grade that ${showValue(meanings)} gives a label from 0 to ${scale.size - 1}`
        : `a whole number from 0 to ${scale.size - 1}, or ${scale.names.join(', ')}${letters}`;
  }

  /** The label of a grade; undefined if it has none. */
  read(grade: string): number | undefined {
    const meant = this.#meanings?.labelOf(grade);
    if (meant !== undefined) return meant !== null && meant < this.#size ? meant : undefined;
    if (this.#meanings?.isComplete === true) return undefined;
    const label = this.#labels.get(foldGrade(grade));
    if (label !== undefined) return label;
    const number = wholeGrade(grade);
    return number !== undefined && number < this.#size ? number : undefined;
  }

  /** Whether the user declared a grade as none. */
  isNone(grade: string): boolean {
    return this.#meanings?.labelOf(grade) === null;
  }
}

/**
 * The grade in a value of a file. In a value of LabelStudio, `{"choices": ["Exact"]}`, it is the only choice; in other
 * values it is their text.
 *
 * @param value - a text, number, boolean or object
 * @returns undefined if it is not a single grade
 */
export function gradeText(value: unknown): string | undefined {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    const text = value.trim();
    return text.startsWith('{') ? (onlyChoice(parseObject(text)) ?? text) : text;
  }
  return onlyChoice(value);
}

/** The scale that grades are on. */
export interface FoundScale {
  /** The number of labels; undefined if no scale of the lab fits the grades. */
  readonly size: number | undefined;
  /** Different grades with a label on it, in label order; all grades if there is no such scale. */
  readonly grades: readonly string[];
  /** Different grades without a label. */
  readonly unread: readonly string[];
}

/**
 * The scale that the grades of a file are on: that of their meanings, else the smallest on which most different grades
 * have a label. Undefined if many of them are numbers outside it, such as fractions or 0 to 10.
 *
 * @param grades - of all pairs, with repetitions; empty ones are ignored
 * @param meanings - the meanings of grades; empty for the usual ones
 */
export function foundScale(grades: Iterable<string>, meanings = ''): FoundScale {
  const counts = new Map<string, number>();
  for (const grade of grades) if (grade !== '') counts.set(grade, (counts.get(grade) ?? 0) + 1);
  const different = [...counts.keys()];
  const labels = meanings === '' ? [] : new GradeMeanings(meanings).labels;
  const meant = labels.length === 0 ? undefined : Math.max(MIN_SCALE, (labels.at(-1) ?? 0) + 1);
  let best: { size: number; read: ReadonlyMap<string, number> } | undefined;
  for (let size = meant ?? MIN_SCALE; size <= (meant ?? MAX_SCALE); size++) {
    const reader = new GradeReader(scaleOfSize(size), meanings);
    const read = new Map(different.flatMap((grade) => labelled(grade, reader.read(grade))));
    if (best === undefined || read.size > best.read.size) best = { size, read };
  }
  const read = best?.read ?? new Map<string, number>();
  const ordered = [...read].toSorted(([, a], [, b]) => a - b).map(([grade]) => grade);
  const unread = different.filter((grade) => !read.has(grade));
  const isNone = best === undefined || read.size === 0 || isOnOtherScale(counts, best.size, meanings);
  return isNone ? { size: undefined, grades: different, unread } : { size: best?.size, grades: ordered, unread };
}

/** The grades found, as in `0/1`; at most a dozen are listed. */
export function describeGrades({ grades }: Pick<FoundScale, 'grades'>): string {
  const most = 12;
  return grades.slice(0, most).join('/') + (grades.length > most ? '/...' : '');
}

/**
 * Whether grades are on another scale than that of `size` labels, because too many of them are numbers outside it.
 * Negative grades are ignored, because files use them for "not judged".
 *
 * @param counts - the number of pairs per grade
 */
export function isOnOtherScale(counts: ReadonlyMap<string, number>, size: number, meanings = ''): boolean {
  if (meanings !== '' && new GradeMeanings(meanings).isComplete) return false; // the user has declared which grades count
  const reader = new GradeReader(scaleOfSize(size), meanings);
  let all = 0;
  let outside = 0;
  for (const [grade, count] of counts) {
    all += count;
    const number = gradeNumber(grade);
    if (number !== undefined && number >= 0 && reader.read(grade) === undefined && !reader.isNone(grade)) {
      outside += count;
    }
  }
  return outside > OTHER_SCALE_SHARE * all;
}

function labelled(grade: string, label: number | undefined): [string, number][] {
  return label === undefined ? [] : [[grade, label]];
}

/** Tables with missing values write 2 as "2.0", or as "2,0" with a decimal comma. */
function wholeGrade(grade: string): number | undefined {
  const text = foldGrade(grade);
  // Three zeros after a comma may be thousands.
  return /^\d+(?:\.0*|,0|,00)?$/u.test(text) ? Number.parseInt(text, 10) : undefined;
}

function onlyChoice(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('choices' in value)) return undefined;
  const { choices } = value;
  const [choice, ...others] = Array.isArray(choices) ? (choices as readonly unknown[]) : [];
  return typeof choice === 'string' && others.length === 0 ? choice.trim() : undefined;
}

function parseObject(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined; // then it is ordinary text
  }
}
