/** How many reasons are left: drawn by the reader first. */
import { html, nothing } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { COLLAPSE_MEANING } from '../../parts/lab-term.ts';
import { guessedCurve } from '../parts/guesses.ts';
import '../parts/lab-drawn-curve.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import { type CollapseMaterial, RECORDED_ARM } from './material.ts';
import { curvesCsv } from './curves-csv.ts';
import { rulesLostText, seedsOf, seedsText } from './text.ts';

/** Marks of the drawn curve besides the first. */
const MARKS = 8;

export const REASONS: LessonScreen<CollapseMaterial> = {
  title: 'How many reasons are left?',
  notes:
    'Draw what the room calls out, in one stroke. Nearly everybody draws a rise or a gentle fall. Then show it. The faint lines ' +
    'are five runs of another experiment with the same settings, the dashed one has examples beside the reward.',
  prose: ({ recording, e3, guesses, guess, drawn, isOwn }) =>
    html`<p class="lead">
        The rules that the model cites over all held-out pairs, counted at every measurement. You see the first count.
        Draw how it continues: with one stroke, or with Tab and the arrow keys.
      </p>
      <p class="more">A collapse, as the lab defines it: ${COLLAPSE_MEANING}.</p>
      ${
        guesses['curve'] === undefined
          ? html`<p>
              <button
                class="primary"
                ?disabled=${drawn === undefined}
                @click=${() => guess({ curve: [...(drawn ?? [])] })}
              >
                Show what happened
              </button>
            </p>`
          : html`<div class="truth" role="status">
              <p>${rulesLostText(recording)}</p>
              <p class="more">
                ${isOwn ? nothing : html`${seedsText(e3)} Dashed: the same run with examples beside the reward.`}
              </p>
            </div>`
      }`,
  figure: ({ recording, balanced, e3, guesses, drawn, draw, isOwn }) => {
    const curveOf = ({ frames }: Recording): { step: number; value: number }[] =>
      frames.map(({ step, measures }) => ({ step, value: measures.heldOut.distinctRules }));
    const truth = curveOf(recording);
    const isShown = guesses['curve'] !== undefined;
    // A handout shows what was measured without a guess.
    const curve = guessedCurve(guesses, 'curve') ?? [];
    const last = truth.at(-1)?.step ?? 1;
    const marks = Array.from({ length: MARKS + 1 }, (_, i) => Math.round((i * last) / MARKS));
    const faint = seedsOf(e3, RECORDED_ARM).map(({ curve }) =>
      curve.map(({ step, distinctRules }) => ({ step, value: distinctRules ?? 0 })),
    );
    return html`<lab-drawn-curve
      label="Different rules cited, step by step"
      .marks=${marks}
      .values=${curve.length > 0 ? curve : (drawn ?? [truth[0]?.value ?? 0])}
      .most=${recording.rules.length}
      .truth=${isShown ? truth : []}
      .balanced=${isShown && !isOwn ? curveOf(balanced) : []}
      .faint=${isShown && !isOwn ? faint : []}
      @curve-draw=${(event: CustomEvent<number[]>) => draw(event.detail)}
    ></lab-drawn-curve>`;
  },
  csv: ({ recording, balanced, isOwn }) => curvesCsv(isOwn ? [recording] : [recording, balanced]),
};
