/**
 * The views of the page and their addresses. Addresses are hashes, so that the page works in any folder of any static
 * server.
 *
 *     #/                          the front door
 *     #/lesson                    the list of lessons
 *     #/lesson/ID/N               screen N of a lesson (lessons/lessons.ts)
 *     #/lesson/ID/N/notes?of=TAB  what somebody who presents it in that tab might say, in a window of its own
 *     #/score                     the Score view, on the general model
 *     #/score?model=ID            the same on another bundled model (bundled-models.ts)
 *     #/score?checkpoint=ID       the same on a checkpoint of this browser
 *     #/score?with=A,B            compared with other models (compared-models.ts)
 *     #/score?pair=JSON           asked about this pair (protocol/scoring.ts)
 *     #/files                     the Files view: files of pairs to be judged
 *     #/files?file=ID             one of those that this browser keeps
 *     #/train                     the Train view
 *     #/train?settings=JSON       the same with these settings; `student` in place of `settings` for one that is taught
 *     #/runs                      the Runs view: all runs of this browser
 *     #/runs?compare=A,B          some of them compared, by their ids
 *     #/collapse                  the Collapse view: mode collapse live, and its theory
 *     #/collapse?preset=lesson    the same with the settings of the lesson
 *     #/collapse?settings=JSON    the same with these settings
 *     #/collapse?lambda=0.1       the same with this weight of the examples, where it is one of those offered
 *     #/device                    what this device computes right, and how fast
 */

import { MOST_COMPARED } from '../../protocol/runs.ts';

/** The views, in the order of the navigation. */
export const ROUTES = [
  { path: 'score', name: 'Score' },
  { path: 'files', name: 'Files' },
  { path: 'train', name: 'Train' },
  { path: 'collapse', name: 'Collapse' },
  { path: 'runs', name: 'Runs' },
] as const;
/** Addresses that are not in the navigation: the front door, lessons, and the measurement of this device. */
const OTHER_PATHS = ['home', 'lesson', 'device'] as const;
export type RoutePath = (typeof ROUTES)[number]['path'] | (typeof OTHER_PATHS)[number];

/**
 * The view of an address such as `#/score`: the front door where there is none, the first view for anything unknown.
 */
export function routeOf(hash: string): RoutePath {
  const path = hash.replace(/^#\/?/u, '').replace(/\?.*$/su, '');
  if (path === '') return 'home';
  if (path === 'lesson' || path.startsWith('lesson/')) return 'lesson';
  if (path === 'device') return path;
  return (ROUTES.find((route) => route.path === path) ?? ROUTES[0]).path;
}

/** What an address of a lesson asks for. */
export interface LessonPlace {
  /** Undefined for the list of lessons. */
  readonly lesson: string | undefined;
  /** From 1; the first for anything unknown. */
  readonly screen: number;
  /** Whether the notes are asked for in place of the screen. */
  readonly isNotes: boolean;
  /** The tab that the notes follow; empty for none. */
  readonly presenter: string;
}

/** The place that an address of a lesson asks for. */
export function lessonIn(hash: string): LessonPlace {
  const [, lesson, number, notes, presenter = ''] =
    /^#\/?lesson\/([a-z0-9-]{1,40})(?:\/(\d{1,2}))?(\/notes(?:\?of=([\da-z-]{1,40}))?)?$/u.exec(hash) ?? [];
  return { lesson, screen: Math.max(1, Number(number ?? 1)), isNotes: notes !== undefined, presenter };
}

/** The address of a screen of a lesson, from 1. */
export function lessonAddress(lesson: string, screen: number): string {
  return `#/lesson/${lesson}/${screen}`;
}

/** The address of the notes to a screen of a lesson that a tab shows. */
export function notesAddress(lesson: string, screen: number, presenter: string): string {
  return `${lessonAddress(lesson, screen)}/notes?of=${presenter}`;
}

/** Whether an address asks for the live view as the lesson sets it. */
export function asksForLessonPreset(hash: string): boolean {
  return routeOf(hash) === 'collapse' && queryOf(hash).get('preset') === 'lesson';
}

/** The weight of the examples that an address of the live view asks for; undefined for none. */
export function lambdaIn(hash: string): string | undefined {
  return (routeOf(hash) === 'collapse' ? queryOf(hash).get('lambda') : null) ?? undefined;
}

/** The settings that an address brings to a form, as JSON; undefined for none. */
export function settingsIn(hash: string, [view, name]: readonly [view: string, name: string]): string | undefined {
  return (routeOf(hash) === view ? queryOf(hash).get(name) : null) ?? undefined;
}

/** The address that brings settings to a form. */
export function settingsAddress([view, name]: readonly [view: string, name: string], json: string): string {
  return `#/${view}?${new URLSearchParams({ [name]: json }).toString()}`;
}

/** The pair that an address of the Score view asks about, as JSON; undefined for none. */
export function pairIn(hash: string): string | undefined {
  return askedOfScore(hash).get('pair') ?? undefined;
}

/** The checkpoint that should answer; undefined for a bundled model. */
export function checkpointIn(hash: string): string | undefined {
  return namedIn(hash, 'checkpoint');
}

/** The bundled model that should answer; undefined for that of the view. */
export function modelIn(hash: string): string | undefined {
  return namedIn(hash, 'model');
}

/** The models to compare with, each once. */
export function comparedIn(hash: string): readonly string[] {
  const keys = askedOfScore(hash).get('with')?.split(',') ?? [];
  return [...new Set(keys.filter((key) => key !== ''))];
}

/** The address of the Score view on a checkpoint or a bundled model, compared with `compared`, about a pair as JSON. */
export function scoreAddress(
  checkpointId?: string,
  compared: readonly string[] = [],
  modelId?: string,
  pair?: string,
): string {
  const asked = new URLSearchParams();
  if (checkpointId !== undefined) asked.set('checkpoint', checkpointId);
  else if (modelId !== undefined) asked.set('model', modelId);
  if (compared.length > 0) asked.set('with', compared.join(','));
  if (pair !== undefined) asked.set('pair', pair);
  return asked.size === 0 ? '#/score' : `#/score?${asked.toString()}`;
}

/** The file that an address asks for; undefined for the list of them. */
export function fileIn(hash: string): string | undefined {
  if (routeOf(hash) !== 'files') return undefined;
  const id = new URLSearchParams(/\?(.*)$/su.exec(hash)?.[1] ?? '').get('file');
  return id === null || id === '' ? undefined : id;
}

/** The address of a kept file, or of the list of them. */
export function fileAddress(id?: string): string {
  return id === undefined ? '#/files' : `#/files?${new URLSearchParams({ file: id }).toString()}`;
}

/** The runs that an address asks to compare, each once. */
export function runsIn(hash: string): readonly string[] {
  if (routeOf(hash) !== 'runs') return [];
  const ids = new URLSearchParams(/\?(.*)$/su.exec(hash)?.[1] ?? '').get('compare')?.split(',') ?? [];
  return [...new Set(ids.filter((id) => id !== ''))].slice(0, MOST_COMPARED);
}

/** The address of the comparison of runs, or of the list of them. */
export function runsAddress(ids: readonly string[] = []): string {
  return ids.length === 0 ? '#/runs' : `#/runs?${new URLSearchParams({ compare: ids.join(',') }).toString()}`;
}

function namedIn(hash: string, key: 'checkpoint' | 'model'): string | undefined {
  const id = askedOfScore(hash).get(key);
  return id === null || id === '' ? undefined : id;
}

function askedOfScore(hash: string): URLSearchParams {
  return routeOf(hash) === 'score' ? queryOf(hash) : new URLSearchParams();
}

function queryOf(hash: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)$/su.exec(hash)?.[1] ?? '');
}
