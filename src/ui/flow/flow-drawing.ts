/**
 * The picture "where the answers went" as SVG, at one time. Ribbons keep their course and change their width; dots
 * move.
 */
import { nothing, svg } from 'lit';
import type { Recording } from '../../protocol/recording.ts';
import { criterionLook } from './criterion-looks.ts';
import { between, type FlowDot, type FlowLayout, type FlowRow, placeBetween, type Ribbon } from './flow-layout.ts';

/** What is drawn, and when. */
export interface FlowMoment {
  readonly recording: Recording;
  readonly layout: FlowLayout;
  /** A frame, or a place between two. */
  readonly time: number;
  /** The rule that is looked at; undefined for none. */
  readonly rule: number | undefined;
  /** Whether rules are named. */
  readonly isNamed: boolean;
}

/** The parts of the drawing, to be put into an `<svg>`. */
export function drawFlow(moment: FlowMoment): unknown {
  const { layout } = moment;
  return svg`<g class="ribbons">${layout.ribbons.map((ribbon) => drawRibbon(moment, ribbon))}</g>
    ${layout.dots.map((dot) => drawDot(moment, dot))}
    ${layout.rows.map((row) => drawRow(moment, row))}`;
}

function drawRibbon({ recording, layout, time, rule }: FlowMoment, { from, to, path, counts }: Ribbon): unknown {
  const count = between(counts, time);
  if (count < 0.02) return nothing;
  const isAside = rule !== undefined && rule !== from && rule !== to;
  return svg`<path
    class="ribbon ${lookOf(recording, from)} ${isAside ? 'aside' : ''} ${from === to ? 'kept' : ''}"
    d=${path}
    stroke-width=${(layout.pairWidth * count + Math.min(1, count) * 0.7).toFixed(2)}
  ></path>`;
}

function drawDot({ recording, layout, time, rule }: FlowMoment, { pair, rule: gold, left, right }: FlowDot): unknown {
  const { pairs, frames } = recording;
  const answers = frames[Math.round(time)]?.answers;
  const isWrong = answers?.labels[pair] !== pairs[pair]?.label;
  const { x, y } = placeBetween(right, time);
  const isAside = rule !== undefined && rule !== gold && rule !== answers?.rules[pair];
  const classes = `${lookOf(recording, gold)} ${isAside ? 'aside' : ''}`;
  return svg`<circle class="dot ${classes}" cx=${left.x.toFixed(1)} cy=${left.y.toFixed(1)} r=${layout.dotRadius}></circle>
    <circle
      class="dot ${isWrong ? 'wrong' : ''} ${classes}"
      cx=${x.toFixed(1)}
      cy=${y.toFixed(1)}
      r=${(isWrong ? layout.dotRadius * 0.86 : layout.dotRadius).toFixed(2)}
    ></circle>`;
}

function drawRow(moment: FlowMoment, { rule, y }: FlowRow): unknown {
  const { recording, layout, time, rule: chosen, isNamed } = moment;
  const info = recording.rules[rule];
  const rules = recording.frames[Math.round(time)]?.answers.rules ?? [];
  const isGold = recording.pairs.some((pair) => pair.rule === rule);
  const isDead = !rules.includes(rule);
  const look = `${lookOf(recording, rule)} ${chosen === undefined || chosen === rule ? '' : 'aside'}`;
  const { names, fontPx, rowHeight } = layout;
  const ring = isDead
    ? svg`<circle class="ring ${look}" cx=${layout.ribbonsTo + rowHeight * 0.35} cy=${y} r=${rowHeight * 0.26}></circle>`
    : nothing;
  if (!isNamed) return ring;
  const name = info?.id ?? 'no rule';
  const style = `name ${info?.isTail === true ? 'rare' : ''} ${look}`;
  return svg`${ring}
    ${
      names.left > 0 && isGold
        ? svg`<text class=${style} x=${names.left} y=${y} font-size=${fontPx} text-anchor="end" dy="0.34em">${name}</text>`
        : nothing
    }
    <text class="${style} ${isDead ? 'dead' : ''}" x=${names.right} y=${y} font-size=${fontPx} dy="0.34em">${name}</text>`;
}

function lookOf({ rules }: Recording, rule: number): string {
  return criterionLook(rules[rule]?.criterion);
}
