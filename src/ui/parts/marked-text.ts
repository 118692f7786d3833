/**
 * Evidence as ranges of a field's text. Steps may quote overlapping words, so a text is cut at every border of every
 * mark, and each piece knows the marks that cover it.
 */
import type { StepEvent } from '../../protocol/scoring.ts';

/** A quoted range [start, end) of a text, in UTF-16 units, with the outcome of checking the step that quotes it. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly tone: StepEvent['check'];
  /** Whether the reader is pointing at the step. */
  readonly active: boolean;
}

/** A piece of text, and how it is marked: the active mark wins, then the first. */
export interface MarkedPiece {
  readonly text: string;
  readonly mark: Mark | undefined;
}

/** Cuts a text by its marks; the pieces joined are the text. Ranges outside the text are clipped. */
export function cutByMarks(text: string, marks: readonly Mark[]): MarkedPiece[] {
  const borders = new Set([0, text.length]);
  for (const { start, end } of marks) {
    if (start < text.length) borders.add(Math.max(0, start));
    if (end < text.length) borders.add(Math.max(0, end));
  }
  const sorted = [...borders].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, index) => {
    const end = sorted[index + 1] ?? text.length;
    const covering = marks.filter((mark) => mark.start <= start && mark.end >= end);
    return { text: text.slice(start, end), mark: covering.find((mark) => mark.active) ?? covering[0] };
  });
}
