/**
 * The picture "where the answers went": everything is inside, in its row, and every pair is in it once on each side.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { between, flowRules, layoutFlow, placeBetween } from '../../../../src/ui/flow/flow-layout.ts';
import { smallRecording } from './small-recording.ts';

const SMALL = smallRecording();
const size = fc.record({
  width: fc.integer({ min: 280, max: 4000 }),
  height: fc.integer({ min: 120, max: 2500 }),
  mostFontPx: fc.integer({ min: 6, max: 60 }),
});

describe('the layout of a flow', () => {
  it('has rows by criterion, common rules first', () => {
    expect(flowRules(SMALL).map((rule) => SMALL.rules[rule]?.id)).toEqual(['type-other', 'type-same', 'brand-other', 'worn']); // prettier-ignore
  });

  it('keeps everything inside and apart at any size', () => {
    fc.assert(
      fc.property(size, ({ width, height, mostFontPx }) => {
        const layout = layoutFlow(SMALL, { width, height, mostFontPx });
        expect(layout.rows).toHaveLength(flowRules(SMALL).length);
        expect(layout.dots.length).toBeGreaterThan(0);
        const ys = layout.rows.map(({ y }) => y);
        expect(ys).toEqual(ys.toSorted((a, b) => a - b));
        for (const { y } of layout.rows) {
          expect(y - layout.rowHeight / 2).toBeGreaterThanOrEqual(-1e-6);
          expect(y + layout.rowHeight / 2).toBeLessThanOrEqual(height + 1e-6);
        }
        expect(layout.fontPx).toBeLessThanOrEqual(Math.min(mostFontPx, layout.rowHeight));
        expect(layout.ribbonsFrom).toBeLessThan(layout.ribbonsTo);
        for (const { left, right } of layout.dots) {
          expect(left.x).toBeGreaterThanOrEqual(layout.names.left);
          expect(left.x).toBeLessThan(layout.ribbonsFrom);
          for (const { x } of right) {
            expect(x).toBeGreaterThan(layout.ribbonsTo);
            expect(x).toBeLessThan(layout.names.right);
          }
        }
        const places = layout.dots.map(({ right }) => `${right[2]?.x} ${right[2]?.y}`);
        expect(new Set(places).size).toBe(places.length);
      }),
    );
  });

  it('has each pair in one ribbon at every frame', () => {
    const { ribbons } = layoutFlow(SMALL, { width: 800, height: 400, mostFontPx: 14 });
    for (const at of SMALL.frames.keys()) {
      expect(ribbons.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0)).toBe(SMALL.pairs.length);
    }
    expect(ribbons.find(({ from, to }) => from === 1 && to === 0)?.counts).toEqual([0, 1, 2]);
  });

  it('puts dots in the row of the rule that is cited', () => {
    const { dots, rows, rowHeight } = layoutFlow(SMALL, { width: 800, height: 400, mostFontPx: 14 });
    expect(dots.length).toBeGreaterThan(0);
    for (const { pair, right } of dots) {
      expect(right).toHaveLength(SMALL.frames.length);
      for (const [at, { y }] of right.entries()) {
        const row = rows.find(({ rule }) => rule === SMALL.frames[at]?.answers.rules[pair]);
        expect(Math.abs(y - (row?.y ?? Infinity))).toBeLessThanOrEqual(rowHeight / 2);
      }
    }
  });
});

describe('between two frames', () => {
  it('is at a frame what that frame is, and in between in between', () => {
    const places = [{ x: 0, y: 10 }, { x: 8, y: 20 }]; // prettier-ignore
    expect([0, 0.25, 1].map((time) => between([2, 6], time))).toEqual([2, 3, 6]);
    expect([0, 0.5, 1].map((time) => placeBetween(places, time))).toEqual([places[0], { x: 4, y: 15 }, places[1]]);
  });
});
