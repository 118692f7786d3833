/**
 * What the reader predicted, kept in this browser alone, so that the last screen can hold it against what was measured.
 */
import * as v from 'valibot';

const KEY = 'afrl-lesson-collapse';
const GuessesSchema = v.object({
  /** What becomes of the answer to one pair. */
  pair: v.optional(v.picklist(['right', 'unsure', 'wrong'])),
  /** Different rules cited, at the marks of the drawing, the first one given. */
  curve: v.optional(v.pipe(v.array(v.pipe(v.number(), v.minValue(0), v.maxValue(1000))), v.maxLength(64))),
  /** What label accuracy would show. */
  seen: v.optional(v.picklist(['merged', 'vanished', 'both', 'neither'])),
  /** The arm that keeps most rare rules. */
  keeps: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
export type Guesses = v.InferOutput<typeof GuessesSchema>;

/** None where nothing is kept, or what is kept cannot be read. */
export function readGuesses(): Guesses {
  try {
    const parsed = v.safeParse(GuessesSchema, JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    return parsed.success ? parsed.output : {};
  } catch {
    // Storage may be closed to the page; the lesson works without.
    return {};
  }
}

export function keepGuesses(guesses: Guesses): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(guesses));
  } catch {
    // as above
  }
}
