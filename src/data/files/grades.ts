/**
 * Grades as files write them, to labels of a scale: numbers, the scale's own label names, or ESCI's letters and words.
 * Nothing is rescaled by guessing: a grade outside the scale is an error unless the user says what it means.
 */
import type { LabelScale } from '../../relevance/pair/labels.ts';

/** What the user says that grades mean: text of the grade -> label. It is then the only thing that counts. */
export type GradeMeanings = Readonly<Record<string, number>>;

/** The judgments of Amazon's ESCI set (2206.06588), worst first; they have a meaning on scales of four only. */
const ESCI: readonly (readonly string[])[] = [
  ['i', 'irrelevant'],
  ['c', 'complement'],
  ['s', 'substitute'],
  ['e', 'exact'],
];

/** Reads grades on one scale. */
export class GradeReader {
  /** What is accepted, for error messages. */
  readonly expected: string;
  readonly #labels: ReadonlyMap<string, number>;
  readonly #numbersUpTo: number;

  constructor(scale: LabelScale, meanings?: GradeMeanings) {
    if (meanings !== undefined) {
      this.#labels = new Map(Object.entries(meanings).map(([grade, label]) => [fold(grade), label]));
      this.#numbersUpTo = -1;
      this.expected = `one of ${Object.keys(meanings).join(', ')}`;
      return;
    }
    const esci =
      scale.size === ESCI.length
        ? ESCI.flatMap((words, label) => words.map((word): [string, number] => [word, label]))
        : [];
    // The scale's own names come last, so that they win over ESCI's where both have a word.
    this.#labels = new Map([...esci, ...scale.names.map((name, label): [string, number] => [fold(name), label])]);
    this.#numbersUpTo = scale.size - 1;
    const letters = esci.length > 0 ? ', or E, S, C, I' : '';
    this.expected = `a whole number from 0 to ${scale.size - 1}, or ${scale.names.join(', ')}${letters}`;
  }

  /** The label of a grade, or undefined if it has none. */
  read(grade: string): number | undefined {
    const text = fold(grade);
    const label = this.#labels.get(text);
    if (label !== undefined) return label;
    // "2.0" is how tables with gaps write 2.
    const number = /^\d+(\.0*)?$/.test(text) ? Number.parseInt(text, 10) : -1;
    return number >= 0 && number <= this.#numbersUpTo ? number : undefined;
  }
}

function fold(text: string): string {
  return text.trim().toLowerCase();
}
