/** Arms held against each other: the question which of them is best, and the figure that answers it. */
import { html } from 'lit';
import { wholePercent } from '../../parts/format.ts';
import type { Guesses } from './guesses.ts';
import './lab-seed-dots.ts';
import type { DotsRow } from './lab-seed-dots.ts';
import type { Question } from './lesson.ts';
import { bestOf } from './results.ts';

/** Arms on one metric, of which a reader guesses the best. */
export interface Compared {
  /** Of the question. */
  readonly key: string;
  readonly rows: readonly DotsRow[];
  /** Whether the lowest is the best. */
  readonly isLowBest?: boolean;
  readonly format?: (value: number) => string;
  /** What a row holds: by default a mean over seeds. */
  readonly what?: string;
}

/** Which of the rows that are not the plain one is best. @param truth - what is shown beneath the best one's name */
export function whichIsBest(
  { key, rows, isLowBest = false, format = wholePercent, what = 'Means' }: Compared,
  { asked, short }: Pick<Question, 'asked' | 'short'>,
  truth: unknown,
): Question {
  const offered = rows.filter(({ look }) => look !== 'plain');
  const best = bestOf(offered, isLowBest);
  const measured = best === undefined ? '' : `${capital(best.name)}, ${format(best.mean)}`;
  const listed = offered.map(({ name, mean }) => `${name} ${format(mean)}`).join(', ');
  return {
    key,
    asked,
    short,
    answers: offered.map(({ name }) => [name, capital(name)]),
    measured,
    truth: html`<p><strong>${capital(best?.name ?? '')}.</strong> ${what}: ${listed}.</p>
      ${truth}`,
  };
}

/** The rows as dots; those that are to be guessed only once they were. */
export function comparedFigure(
  { key, rows, format = wholePercent }: Compared,
  caption: string,
  guesses: Guesses,
): unknown {
  const ordered = rows.toSorted((a, b) => Number(b.look === 'plain') - Number(a.look === 'plain'));
  const known = ordered.filter(({ look }) => look === 'plain').length;
  return html`<lab-seed-dots
    caption=${caption}
    .rows=${ordered}
    .range=${rangeOf(rows)}
    .format=${format}
    .shown=${guesses[key] === undefined ? known : Infinity}
  ></lab-seed-dots>`;
}

function capital(text: string): string {
  // The estimators are written small.
  return /^k\d/u.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** Of shares 0 to 1; of other values the tenths around them. */
function rangeOf(rows: readonly DotsRow[]): readonly [number, number] {
  const values = rows.flatMap(({ values: own, mean, interval = [mean, mean] }) => [...own, mean, ...interval]);
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  if (low === 0 && high <= 1 && high > 0.5) return [0, 1];
  const unit = high - low > 2 ? 1 : 0.1;
  return [Math.floor(low / unit) * unit, Math.ceil(high / unit) * unit];
}
