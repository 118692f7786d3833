/**
 * What a lesson is: a list of screens and what they are drawn from. Adding a lesson is one file that exports such a
 * list, and a line in `lessons.ts`. The shell (`lab-lesson.ts`) asks the questions, counts the votes, turns, presents,
 * prints and exports.
 *
 * Room `ui/lessons/parts/`: what all lessons share. `ui/lessons/collapse/` is the lesson on mode collapse, and
 * `ui/lessons/topics/` has the shorter ones, a file each.
 */
import type { Recording } from '../../../protocol/recording.ts';
import type { Guesses } from './guesses.ts';

/** What a screen is drawn from besides its material, and what it can change. */
export interface LessonContext {
  /** Whether the screen is read from the back of a room. */
  readonly isPresenting: boolean;
  /** Whether the lesson is being printed as a handout. */
  readonly isPrinting: boolean;
  readonly guesses: Guesses;
  readonly guess: (change: Guesses) => void;
  /** The curve that is being drawn; undefined before the first stroke. */
  readonly drawn: readonly number[] | undefined;
  readonly draw: (values: readonly number[]) => void;
}

/** Something to predict. What was measured is shown once an answer is chosen. */
export interface Question {
  /** Under which the answer is kept. */
  readonly key: string;
  readonly asked: string;
  /** The same in a few words, for the last screen. */
  readonly short: string;
  readonly answers: readonly (readonly [value: string, text: string])[];
  readonly truth: unknown;
  /** What was measured, in a few words, for the last screen. */
  readonly measured: string;
}

export interface LessonScreen<Material> {
  readonly title: string;
  /** What somebody who presents it might say. */
  readonly notes: string;
  readonly prose: (context: LessonContext & Material) => unknown;
  readonly question?: (context: LessonContext & Material) => Question | undefined;
  readonly figure: (context: LessonContext & Material) => unknown;
  /** Where the numbers of this screen come from, if not from what the lesson names. */
  readonly source?: (material: Material) => string;
  /** The numbers of the figure as CSV; undefined where the figure has none. */
  readonly csv?: (context: LessonContext & Material) => string;
}

/** What was guessed beside what was measured. */
export interface GuessRow {
  readonly asked: string;
  readonly guess: string;
  readonly measured: string;
}

export interface Lesson<Material> {
  /** @throws {LabError} naming what is missing or cannot be read */
  readonly load: () => Promise<Material>;
  readonly screens: readonly LessonScreen<Material>[];
  /** Where the numbers come from, in a line. */
  readonly source: (material: Material) => string;
  /** What may be concluded, and what may not. */
  readonly limits: (material: Material) => readonly string[];
  /** By default a row for each question. */
  readonly rows?: (context: LessonContext & Material) => readonly GuessRow[];
  /** The figure of the last screen; by default that of the screen before it. */
  readonly closing?: (context: LessonContext & Material) => unknown;
  /** In a handout, what is shown as if it had been guessed. */
  readonly printed?: Guesses;
  /** The material with a recording of the reader's own; a lesson without it plays none. */
  readonly withOwn?: (material: Material, own: Recording) => Material;
  /** The recording that the last screen gives away. */
  readonly recording?: (material: Material) => Recording;
}

/** A screen with its material. */
export type OpenScreen = { readonly title: string; readonly notes: string; readonly source: string } & {
  readonly [Part in 'prose' | 'figure']: (context: LessonContext) => unknown;
} & {
  readonly question: (context: LessonContext) => Question | undefined;
  readonly csv: (context: LessonContext) => string | undefined;
};

/** A lesson with its material, whatever that is. */
export interface OpenLesson {
  readonly screens: readonly OpenScreen[];
  readonly source: string;
  readonly limits: readonly string[];
  readonly rows: (context: LessonContext) => readonly GuessRow[];
  readonly closing: (context: LessonContext) => unknown;
  readonly printed: Guesses;
  readonly recording: Recording | undefined;
  /** The lesson on a recording of the reader's own; undefined where it plays none. */
  readonly withOwn: ((own: Recording) => OpenLesson) | undefined;
}

/** How a lesson is opened, without what it is made of showing. */
export function openable<Material>(lesson: Lesson<Material>): () => Promise<OpenLesson> {
  return async () => bind(lesson, await lesson.load());
}

function bind<Material>(lesson: Lesson<Material>, material: Material): OpenLesson {
  const full = (context: LessonContext): LessonContext & Material => ({ ...material, ...context });
  const screens = lesson.screens.map(({ title, notes, source, prose, question, figure, csv }): OpenScreen => {
    return {
      title,
      notes,
      source: (source ?? lesson.source)(material),
      prose: (context) => prose(full(context)),
      question: (context) => question?.(full(context)),
      figure: (context) => figure(full(context)),
      csv: (context) => csv?.(full(context)),
    };
  });
  const { withOwn, rows, closing } = lesson;
  return {
    screens,
    source: lesson.source(material),
    limits: lesson.limits(material),
    rows: (context) => rows?.(full(context)) ?? screens.flatMap(({ question }) => rowOf(question(context), context)),
    closing: (context) => closing?.(full(context)) ?? screens.at(-1)?.figure(context),
    printed: lesson.printed ?? Object.fromEntries(screens.flatMap(({ question }) => printedGuess(question))),
    recording: lesson.recording?.(material),
    withOwn: withOwn === undefined ? undefined : (own) => bind(lesson, withOwn(material, own)),
  };
}

function rowOf(question: Question | undefined, { guesses }: LessonContext): GuessRow[] {
  if (question === undefined) return [];
  const { key, short, answers, measured } = question;
  const guess = answers.find(([value]) => value === guesses[key])?.[1] ?? '\u2013';
  return [{ asked: short, guess, measured }];
}

const NOTHING: LessonContext = {
  isPresenting: false,
  isPrinting: true,
  guesses: {},
  guess: () => undefined,
  drawn: undefined,
  draw: () => undefined,
};

function printedGuess(question: OpenScreen['question']): [key: string, value: string][] {
  const asked = question(NOTHING);
  return asked === undefined ? [] : [[asked.key, '']];
}
