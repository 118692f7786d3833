/** Splitting a text by overlapping marks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutByMarks, type Mark } from '../../../../src/ui/parts/marked-text.ts';

const mark = (start: number, end: number, active = false): Mark => ({ start, end, tone: 'verified', active });

describe('cutByMarks', () => {
  it('returns the whole text without marks, and nothing for an empty text', () => {
    expect(cutByMarks('kettle', [])).toEqual([{ text: 'kettle', mark: undefined }]);
    expect(cutByMarks('', [mark(0, 3)])).toEqual([]);
  });

  it('splits where marks overlap, and prefers the active one', () => {
    const first = mark(0, 6);
    const second = mark(4, 10, true);
    expect(cutByMarks('steel kettle', [first, second])).toEqual([
      { text: 'stee', mark: first },
      { text: 'l ', mark: second },
      { text: 'kett', mark: second },
      { text: 'le', mark: undefined },
    ]);
  });

  it('never loses or repeats text, and marks exactly the units that some range covers', () => {
    const range = fc.tuple(fc.integer({ min: -2, max: 30 }), fc.integer({ min: -2, max: 30 }));
    fc.assert(
      fc.property(fc.string({ maxLength: 24 }), fc.array(range, { maxLength: 5 }), (text, ranges) => {
        const marks = ranges.map(([a, b]) => mark(Math.min(a, b), Math.max(a, b)));
        const pieces = cutByMarks(text, marks);
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        const units = Array.from({ length: text.length }, (_, unit) => unit);
        const covered = units.filter((unit) => marks.some(({ start, end }) => start <= unit && unit < end));
        const marked = pieces.flatMap((piece) => Array<boolean>(piece.text.length).fill(piece.mark !== undefined));
        expect(units.filter((unit) => marked[unit])).toEqual(covered);
      }),
    );
  });
});
