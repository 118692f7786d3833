/**
 * Evidence as ranges of a field's text. Steps may quote overlapping words, so a text is split at every end of every
 * mark, and each piece has the marks that cover it.
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

/** A piece of text with its mark: the active mark takes precedence, then the first. */
export interface MarkedPiece {
  readonly text: string;
  readonly mark: Mark | undefined;
}

/** Splits a text by its marks; the joined pieces are the text. Ranges outside the text are clipped. */
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
