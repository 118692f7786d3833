/** Arms held against each other: the question which of them is best, and the figure that answers it. */
import { html } from 'lit';
import { meanInterval } from '../../../common/student-t.ts';
import { SEEDS_FOR_A_CLAIM } from '../../../protocol/experiment-results.ts';
import { formatDifference, wholePercent } from '../../parts/format.ts';
import type { Guesses } from './guesses.ts';
import './lab-seed-dots.ts';
import type { DotsRow } from './lab-seed-dots.ts';
import type { Question } from './lesson.ts';

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
  /** Whether the difference between the rows is decided, where an experiment's own finding says so. */
  readonly isDecided?: boolean;
}

/** The row that is best, and whether it is so beyond chance. */
export interface Leader {
  readonly best: DotsRow;
  readonly second: DotsRow | undefined;
  readonly isDecided: boolean;
}

/**
 * The best of some rows. Rows of several seeds are held against each other seed by seed: the best one is decided where
 * the 95 % interval of its difference to the second lies on one side of zero and the seeds are enough for a claim. Rows
 * with intervals of their own are decided where these do not meet, exact values where they differ. Undefined of none.
 */
export function leaderOf(rows: readonly DotsRow[], isLowBest = false): Leader | undefined {
  const [best, second] = rows.toSorted((a, b) => (isLowBest ? a.mean - b.mean : b.mean - a.mean));
  if (best === undefined) return undefined;
  return { best, second, isDecided: second === undefined || areApart(best, second) };
}

function areApart(a: DotsRow, b: DotsRow): boolean {
  if (a.interval !== undefined && b.interval !== undefined) {
    return a.interval[0] > b.interval[1] || a.interval[1] < b.interval[0];
  }
  if (!isMeasured(a) && !isMeasured(b)) return a.mean !== b.mean;
  if (a.values.length !== b.values.length || a.values.length < SEEDS_FOR_A_CLAIM) return false;
  const { low, high } = meanInterval(a.values.map((value, seed) => value - (b.values[seed] ?? 0)));
  return low > 0 || high < 0;
}

/** Whether chance has a part in a row. */
function isMeasured({ values, interval }: DotsRow): boolean {
  return values.length > 1 || interval !== undefined;
}

/** The answer where the best two cannot be told apart. */
const NOBODY = 'Nobody knows';

/**
 * Which of the rows that are not the plain one is best; of measured rows it may be that nobody knows.
 *
 * @param truth - what is shown beneath the right answer
 */
export function whichIsBest(
  { key, rows, isLowBest = false, format = wholePercent, what = 'Means', isDecided }: Compared,
  { asked, short }: Pick<Question, 'asked' | 'short'>,
  truth: unknown,
): Question {
  const offered = rows.filter(({ look }) => look !== 'plain');
  const leader = leaderOf(offered, isLowBest);
  const answers = offered.map(({ name }) => [name, capital(name)] as const);
  const listed = offered.map(({ name, mean }) => `${name} ${format(mean)}`).join(', ');
  const isKnown = isDecided ?? leader?.isDecided ?? false;
  const right = leader === undefined || !isKnown ? NOBODY : capital(leader.best.name);
  const level = isKnown ? '' : ` Between ${leader?.best.name} and ${leader?.second?.name} the seeds do not decide.`;
  return {
    key,
    asked,
    short,
    answers: offered.some(isMeasured) ? [...answers, [NOBODY, NOBODY]] : answers,
    measured: isKnown && leader !== undefined ? `${right}, ${format(leader.best.mean)}` : right,
    truth: html`<p><strong>${right}.</strong> ${what}: ${listed}.${level}</p>
      ${truth}`,
  };
}

const PARTS = ['None of them', 'Some of them', 'All of them'] as const;

/**
 * How many of the rows that are not the plain one have fallen below it beyond chance, seed by seed.
 *
 * @param truth - what is shown beneath the right answer
 */
export function howManyFell(
  { key, rows }: Compared,
  { asked, short }: Pick<Question, 'asked' | 'short'>,
  truth: unknown,
): Question {
  const base = rows.find(({ look }) => look === 'plain');
  const offered = rows.filter(({ look }) => look !== 'plain');
  const changes = offered.map((row) => ({
    name: row.name,
    ...meanInterval(row.values.map((value, seed) => value - (base?.values[seed] ?? 0))),
  }));
  const fell = changes.filter(({ high, n }) => high < 0 && n >= SEEDS_FOR_A_CLAIM).length;
  const right = PARTS[fell === 0 ? 0 : fell < offered.length ? 1 : 2];
  const measured = `${fell} of ${offered.length}`;
  const listed = changes.map(
    ({ name, mean, low, high }) =>
      `${name} ${formatDifference(mean)} (95 % from ${formatDifference(low)} to ${formatDifference(high)})`,
  );
  return {
    key,
    asked,
    short,
    answers: PARTS.map((part) => [part, part]),
    measured,
    truth: html`<p><strong>${right}: ${measured}.</strong> Less ${base?.name}: ${listed.join(', ')}.</p>
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
