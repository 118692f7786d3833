/**
 * What the reader predicted, kept in this browser alone, so that the last screen can hold it against what was measured.
 */
import * as v from 'valibot';

const value = v.pipe(v.number(), v.minValue(0), v.maxValue(1000));
/** By the key of a question: the value of an answer, or a curve at its marks, the first one given. */
const GuessesSchema = v.record(
  v.pipe(v.string(), v.maxLength(40)),
  v.union([v.pipe(v.string(), v.maxLength(200)), v.pipe(v.array(value), v.maxLength(64))]),
);
export type Guesses = Readonly<Record<string, string | readonly number[]>>;

const keyOf = (lesson: string): string => `afrl-lesson-${lesson}`;

/** None where nothing is kept, or what is kept cannot be read. */
export function readGuesses(lesson: string): Guesses {
  try {
    const parsed = v.safeParse(GuessesSchema, JSON.parse(localStorage.getItem(keyOf(lesson)) ?? '{}'));
    return parsed.success ? parsed.output : {};
  } catch {
    // Storage may be closed to the page; the lesson works without.
    return {};
  }
}

export function keepGuesses(lesson: string, guesses: Guesses): void {
  try {
    localStorage.setItem(keyOf(lesson), JSON.stringify(guesses));
  } catch {
    // as above
  }
}

/** The curve that was guessed under a key. */
export function guessedCurve(guesses: Guesses, key: string): readonly number[] | undefined {
  const guess = guesses[key];
  return typeof guess === 'string' ? undefined : guess;
}
