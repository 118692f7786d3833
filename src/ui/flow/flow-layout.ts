/**
 * Where everything of the picture "where the answers went" is: a row per rule, the same on both sides, so that a level
 * ribbon is an answer by the rule that should decide it and a sloping one is not. Rows are as wide as the figure and
 * need no more than a size to be computed; time is a frame, or a place between two.
 */
import type { Recording } from '../../protocol/recording.ts';
import { CRITERIA } from '../../relevance/pair/vocabulary.ts';

/** The size of a figure and of its largest text, in pixels. */
export interface FlowSize {
  readonly width: number;
  readonly height: number;
  readonly mostFontPx: number;
}

/** A rule's place. */
export interface FlowRow {
  readonly rule: number;
  readonly y: number;
}

/** The answers of the pairs that one rule should decide and another decides. */
export interface Ribbon {
  readonly from: number;
  readonly to: number;
  readonly path: string;
  /** Pairs in it, frame by frame. */
  readonly counts: readonly number[];
}

/** A pair: its place on the left, and on the right frame by frame. */
export interface FlowDot {
  readonly pair: number;
  readonly rule: number;
  readonly left: Place;
  readonly right: readonly Place[];
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface FlowLayout {
  readonly rows: readonly FlowRow[];
  readonly ribbons: readonly Ribbon[];
  readonly dots: readonly FlowDot[];
  readonly rowHeight: number;
  readonly fontPx: number;
  readonly dotRadius: number;
  /** The width of a ribbon of one pair. */
  readonly pairWidth: number;
  /**
   * Where names end on the left and begin on the right. Where there is no room for both the left ones are left out (0),
   * since rows are the same on both sides.
   */
  readonly names: { readonly left: number; readonly right: number };
  readonly ribbonsFrom: number;
  readonly ribbonsTo: number;
}

/** Lines of dots in a row. */
const TRACKS = 2;
/** Of all rows, the room between two criteria. */
const GAP_ROWS = 0.4;
/** Of the widest name, in letters, and of a letter, in font sizes. */
const LETTER = 0.56;
/** Between names and dots. */
const MARGIN = 8;
/** Of the width, what the names of one side may take. */
const NAME_SHARE = 0.24;
const LONE_NAME_SHARE = 0.36;
/** A narrower figure has names on one side only. */
const NARROW_PX = 560;
/** Of the room for dots and ribbons, what the dots of each side may take at most. */
const DOT_SHARE = 0.3;

/**
 * The rows of a recording: rules that should decide a pair or do so in some frame, by criterion, common ones first.
 * Answers that cite no rule have a row of their own at the end, where there are any.
 */
export function flowRules({ rules, pairs, frames }: Recording): number[] {
  const seen = new Set<number>(pairs.map(({ rule }) => rule));
  for (const { answers } of frames) for (const rule of answers.rules) seen.add(rule);
  const place = (rule: number): number => {
    const info = rules[rule];
    if (info === undefined) return Infinity;
    return CRITERIA.indexOf(info.criterion) * 2 + (info.isTail ? 1 : 0);
  };
  return [...seen].toSorted((a, b) => compare(place(a), place(b)) || a - b);
}

export function layoutFlow(recording: Recording, { width, height, mostFontPx }: FlowSize): FlowLayout {
  const { rules, pairs, frames } = recording;
  const shown = flowRules(recording);
  const rowsAt = rowPlaces(
    shown.map((rule) => rules[rule]?.criterion ?? 'none'),
    height,
  );
  const rows = shown.map((rule, row) => ({ rule, y: rowsAt.places[row] ?? 0 }));
  const yOf = new Map(rows.map(({ rule, y }) => [rule, y]));
  const letters = Math.max(...shown.map((rule) => (rules[rule]?.id ?? 'no rule').length));
  const isNarrow = width < NARROW_PX;
  const share = isNarrow ? LONE_NAME_SHARE : NAME_SHARE;
  const fontPx = Math.min(mostFontPx, rowsAt.rowHeight * 0.93, (width * share) / (letters * LETTER));
  const nameWidth = letters * LETTER * fontPx;
  const names = { left: isNarrow ? 0 : nameWidth, right: width - nameWidth };
  const inner = names.right - names.left - 2 * MARGIN;
  const most = mostInRow(recording);
  const columns = Math.ceil(most / TRACKS);
  const dotRadius = Math.max(0.8, Math.min(rowsAt.rowHeight * 0.22, (inner * DOT_SHARE) / columns / 2.2));
  const spread = dotRadius * 2.2;
  const leftColumns = Math.ceil(mostOf(pairs.map(({ rule }) => rule)) / TRACKS);
  const ribbonsFrom = names.left + MARGIN + leftColumns * spread + dotRadius;
  const ribbonsTo = names.right - MARGIN - columns * spread - dotRadius;
  const place = (rule: number, slot: number, isRight: boolean): Place => {
    const away = (Math.floor(slot / TRACKS) + 0.5) * spread + dotRadius;
    const track = (slot % TRACKS) - (TRACKS - 1) / 2;
    return { x: isRight ? ribbonsTo + away : ribbonsFrom - away, y: (yOf.get(rule) ?? 0) + track * spread };
  };
  const leftSlots = slots(pairs.map(({ rule }) => rule));
  const rightSlots = frames.map(({ answers }) => slots(answers.rules));
  return {
    rows,
    ribbons: ribbonsOf(recording, (from, to) => curve(ribbonsFrom, yOf.get(from) ?? 0, ribbonsTo, yOf.get(to) ?? 0)),
    dots: pairs.map(({ rule }, pair) => ({
      pair,
      rule,
      left: place(rule, leftSlots[pair] ?? 0, false),
      right: frames.map(({ answers }, f) => place(answers.rules[pair] ?? -1, rightSlots[f]?.[pair] ?? 0, true)),
    })),
    rowHeight: rowsAt.rowHeight,
    fontPx,
    dotRadius,
    pairWidth: Math.max(0.35, Math.min(1.2, rowsAt.rowHeight / most)),
    names,
    ribbonsFrom,
    ribbonsTo,
  };
}

/** A value between two frames. @param time - a frame, or a place between two */
export function between(values: readonly number[], time: number): number {
  const frame = Math.floor(time);
  const [a = 0, b = a] = [values[frame], values[frame + 1]];
  return a + (b - a) * (time - frame);
}

/** A place between two frames; it leaves slowly and arrives slowly. */
export function placeBetween(places: readonly Place[], time: number): Place {
  const frame = Math.floor(time);
  const a = places[frame] ?? { x: 0, y: 0 };
  const b = places[frame + 1] ?? a;
  const t = time - frame;
  const eased = t * t * (3 - 2 * t);
  return { x: a.x + (b.x - a.x) * eased, y: a.y + (b.y - a.y) * eased };
}

function rowPlaces(criteria: readonly string[], height: number): { places: number[]; rowHeight: number } {
  const gaps = criteria.filter((criterion, row) => row > 0 && criterion !== criteria[row - 1]).length;
  const rowHeight = height / (criteria.length + gaps * GAP_ROWS);
  let y = rowHeight / 2;
  const places = criteria.map((criterion, row) => {
    if (row > 0) y += rowHeight * (criterion === criteria[row - 1] ? 1 : 1 + GAP_ROWS);
    return y;
  });
  return { places, rowHeight };
}

function ribbonsOf({ pairs, frames }: Recording, path: (from: number, to: number) => string): Ribbon[] {
  const counts = new Map<string, number[]>();
  for (const [frame, { answers }] of frames.entries()) {
    for (const [pair, { rule }] of pairs.entries()) {
      const key = `${rule} ${answers.rules[pair] ?? -1}`;
      const list = counts.get(key) ?? frames.map(() => 0);
      list[frame] = (list[frame] ?? 0) + 1;
      counts.set(key, list);
    }
  }
  return [...counts].map(([key, list]) => {
    const [from = -1, to = -1] = key.split(' ').map(Number);
    return { from, to, path: path(from, to), counts: list };
  });
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const middle = (x1 + x2) / 2;
  const at = (value: number): string => value.toFixed(1);
  return `M${at(x1)} ${at(y1)}C${at(middle)} ${at(y1)} ${at(middle)} ${at(y2)} ${at(x2)} ${at(y2)}`;
}

/** For each item, how many of its kind come before it. */
function slots(kinds: readonly number[]): number[] {
  const counts = new Map<number, number>();
  return kinds.map((kind) => {
    const slot = counts.get(kind) ?? 0;
    counts.set(kind, slot + 1);
    return slot;
  });
}

function mostInRow({ pairs, frames }: Recording): number {
  return Math.max(mostOf(pairs.map(({ rule }) => rule)), ...frames.map(({ answers }) => mostOf(answers.rules)));
}

function mostOf(kinds: readonly number[]): number {
  return 1 + Math.max(0, ...slots(kinds));
}

/** Also of two that are infinite. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
