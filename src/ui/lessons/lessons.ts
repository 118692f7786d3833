/**
 * The lessons, in the order in which they are offered. A lesson is fetched when it is opened.
 *
 * This room holds the front door and the shell of lessons; each lesson is a list of screens in `collapse/` or
 * `topics/`.
 */
import type { OpenLesson } from './parts/lesson.ts';

export interface LessonEntry {
  /** In the address. */
  readonly id: string;
  readonly name: string;
  /** What it asks, in a sentence. */
  readonly summary: string;
  readonly open: () => Promise<OpenLesson>;
}

const COLLAPSE: LessonEntry = {
  id: 'collapse',
  name: 'See a model collapse',
  summary: 'A model is paid more and more, and forgets its reasons. What would you have seen?',
  open: async () => (await import('./collapse/lesson.ts')).openLesson(),
};

export const LESSONS: readonly LessonEntry[] = [
  COLLAPSE,
  {
    id: 'rewards',
    name: 'Paid for the wrong thing',
    summary: 'Three ways to pay for an answer. Which one is worth more than it looks?',
    open: async () => (await import('./topics/rewards.ts')).openLesson(),
  },
  {
    id: 'words',
    name: 'Is the cited word the reason?',
    summary: 'Take away the words that an answer cites. Does the label follow?',
    open: async () => (await import('./topics/words.ts')).openLesson(),
  },
  {
    id: 'seeds',
    name: 'Why one seed proves nothing',
    summary: 'The same comparison, five times. How often would one run have misled you?',
    open: async () => (await import('./topics/seeds.ts')).openLesson(),
  },
  {
    id: 'students',
    name: 'Teacher and student',
    summary: 'What does a small model take from a larger one: labels, reasons, or both?',
    open: async () => (await import('./topics/students.ts')).openLesson(),
  },
  {
    id: 'order',
    name: 'Answer first or reason first',
    summary: 'Does giving reasons make labels better, and what does it cost to give them first?',
    open: async () => (await import('./topics/order.ts')).openLesson(),
  },
  {
    id: 'leashes',
    name: 'What k1, k2 and k3 push',
    summary: 'Three estimates of one divergence. As a loss each pulls another way.',
    open: async () => (await import('./topics/leashes.ts')).openLesson(),
  },
];

/** The lesson that an address names; the first for anything unknown. */
export function lessonOf(id: string | undefined): LessonEntry {
  return LESSONS.find((lesson) => lesson.id === id) ?? COLLAPSE;
}
