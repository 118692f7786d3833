/**
 * The screens of the lesson on mode collapse: each has one figure, a question where there is something to predict, and what was
 * measured once the reader has answered. Numbers come from lesson-text.ts alone.
 */
import { html, nothing } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { traceTokenMeaning } from '../../../relevance/trace/trace-token.ts';
import { tokenText } from '../../collapse/completion-text.ts';
import { EMPTY_CURVE, addPoint, type Curve } from '../../parts/curve.ts';
import { wholePercent } from '../../parts/format.ts';
import '../../parts/lab-chart.ts';
import type { ChartLine } from '../../parts/lab-chart.ts';
import type { Guesses } from '../parts/guesses.ts';
import '../parts/lab-drawn-curve.ts';
import '../../flow/lab-flow.ts';
import '../parts/lab-seed-dots.ts';
import './lab-toy-arms.ts';
import type { LessonMaterial } from './lesson-material.ts';
import { RECORDED_ARM } from './lesson-material.ts';
import {
  accuracyText,
  answerText,
  fateText,
  groupText,
  lambdaArms,
  lambdaText,
  offeredArms,
  paidText,
  priceText,
  rulesLostText,
  seedsOf,
  seedsText,
} from './lesson-text.ts';
import { chosenGroup, lastFrame, mergedRule, surerAndWrong, vanishedRule } from '../../flow/recording-facts.ts';

/** What a screen is drawn from, and what it can change. */
export interface LessonContext extends LessonMaterial {
  /** Whether the recording is the reader's own; the bundled ones are then not compared with it. */
  readonly isOwn: boolean;
  /** Whether the screen is read from the back of a room. */
  readonly isPresenting: boolean;
  /** Whether the lesson is being printed as a handout. */
  readonly isPrinting: boolean;
  readonly guesses: Guesses;
  readonly guess: (change: Guesses) => void;
  /** The curve that is being drawn; undefined before the first stroke. */
  readonly drawn: readonly number[] | undefined;
  readonly draw: (values: readonly number[]) => void;
}

export interface LessonScreen {
  readonly title: string;
  readonly prose: (context: LessonContext) => unknown;
  readonly figure: (context: LessonContext) => unknown;
}

/** Of shares. */
const WHOLE: readonly [number, number] = [0, 1];
/** Marks of the drawn curve besides the first. */
const MARKS = 8;

/** A question with its answers as buttons; `truth` is shown once one is chosen. */
function question(
  asked: string,
  answers: readonly (readonly [value: string, text: string])[],
  chosen: string | undefined,
  choose: (value: string) => void,
  truth: unknown,
): unknown {
  return html`<fieldset>
      <legend>${asked}</legend>
      ${answers.map(
        ([value, text]) =>
          html`<button aria-pressed=${value === chosen ? 'true' : 'false'} @click=${() => choose(value)}>
            ${text}
          </button>`,
      )}
    </fieldset>
    <div class="truth" role="status">${chosen === undefined ? nothing : truth}</div>`;
}

const PAIR: LessonScreen = {
  title: 'One pair, before and after',
  prose: (context) => {
    const { recording, guesses, guess } = context;
    const pair = surerAndWrong(recording);
    if (pair === undefined) return html`<p>In this recording no pair of a rare rule turned wrong.</p>`;
    const { query = '', title = '' } = recording.pairs[pair] ?? {};
    return html`<p class="lead">
        A small model judges how well an offer fits a query. It says the label first and its reason after. Then it is
        rewarded for answers that look right.
      </p>
      ${question(
        `“${query}” – “${title}”: it answers rightly at first. What becomes of the answer?`,
        [
          ['right', 'Right, and surer'],
          ['unsure', 'Right, but less sure'],
          ['wrong', 'Wrong, and surer'],
        ],
        guesses.pair,
        (value) => guess({ pair: value as NonNullable<Guesses['pair']> }),
        html`<p>
          <strong>Wrong, and surer.</strong> ${paidText(recording)} The rule that decides this pair is rare; the model
          has stopped citing it, and nothing in the reward says so.
        </p>`,
      )}`;
  },
  figure: ({ recording, guesses }) => {
    const pair = surerAndWrong(recording);
    if (pair === undefined) return nothing;
    const at = recording.pairs[pair];
    const rule = recording.rules[at?.rule ?? -1];
    return html`<div class="specimen">
      <p class="query">${at?.query}</p>
      <p class="offer">${at?.title}</p>
      <p class="gold">
        Right: <b>${recording.labelNames[at?.label ?? 0]}</b>, by <i>${rule?.id}</i> (rare): ${rule?.text}
      </p>
      <div class="twice">
        ${answerCard(recording, pair, 0)}
        ${
          guesses.pair === undefined
            ? html`<div class="answer hidden-answer">
                <h3>After</h3>
                <p class="big">?</p>
              </div>`
            : answerCard(recording, pair, lastFrame(recording))
        }
      </div>
    </div>`;
  },
};

function answerCard(recording: Recording, pair: number, frame: number): unknown {
  const { frames, rules, labelNames, pairs } = recording;
  const answers = frames[frame]?.answers;
  const isWrong = answers?.labels[pair] !== pairs[pair]?.label;
  const tokens = answers?.completions.find((each) => each.pair === pair)?.tokens ?? [];
  const cited = rules[answers?.rules[pair] ?? -1];
  return html`<div class="answer ${isWrong ? 'is-wrong' : ''}">
    <h3>${frame === 0 ? 'Before' : 'After'}: step ${frames[frame]?.step}</h3>
    <p class="big">${answerText(recording, pair, frame)}</p>
    <p>${isWrong ? 'Wrong' : 'Right'}. Because: <i>${cited?.id ?? 'no rule'}</i>. ${cited?.text}</p>
    <p class="tokens">${readable(tokens, rules, labelNames)}</p>
  </div>`;
}

/** Structure as words, text as it is. */
function readable(tokens: readonly string[], rules: Recording['rules'], labelNames: readonly string[]): string {
  return tokens
    .map((token) => (traceTokenMeaning(token) !== undefined ? ` ${tokenText(token, rules, labelNames)} ` : token))
    .join('')
    .replaceAll(/\s+/gu, ' ');
}

const REASONS: LessonScreen = {
  title: 'How many reasons are left?',
  prose: ({ recording, e3, guesses, guess, drawn, isOwn }) =>
    html`<p class="lead">
        The rules that the model cites over all held-out pairs, counted at every measurement. You see the first count.
        Draw how it continues: with one stroke, or with Tab and the arrow keys.
      </p>
      ${
        guesses.curve === undefined
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
    const isShown = guesses.curve !== undefined;
    // A handout shows what was measured without a guess.
    const { curve = [] } = guesses;
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
};

const WHERE: LessonScreen = {
  title: 'Where the answers went',
  prose: ({ recording, guesses, guess }) => {
    const merged = mergedRule(recording, lastFrame(recording));
    const vanished = vanishedRule(recording, lastFrame(recording));
    return html`<p class="lead">
        Left: the rule that should decide. Right: the rule that the model cites. Ribbons that join are rules that became
        one; a ring is a rule that died. Names in italics are rare.
      </p>
      ${question(
        'Some rules merge with others of equal pay, some vanish with their labels. Which would label accuracy show you?',
        [
          ['merged', 'Merging'],
          ['vanished', 'Vanishing'],
          ['both', 'Both'],
          ['neither', 'Neither by name'],
        ],
        guesses.seen,
        (value) => guess({ seen: value as NonNullable<Guesses['seen']> }),
        html`<p><strong>Neither by name.</strong> ${accuracyText(recording)}</p>
          ${merged === undefined ? nothing : html`<p>Merged: ${fateText(recording, merged)} Accuracy sees nothing of it.</p>`}
          ${vanished === undefined ? nothing : html`<p>Vanished: ${fateText(recording, vanished)}</p>`}`,
      )}`;
  },
  figure: ({ recording, isPresenting, isPrinting }) =>
    html`<lab-flow .recording=${recording} explains ?terse=${isPresenting} ?ended=${isPrinting}></lab-flow>`,
};

const WHY: LessonScreen = {
  title: 'Why: chance is learned',
  prose: ({ recording }) => {
    const chosen = chosenGroup(recording);
    return html`<p class="lead">
        A completion is paid for how much better it did than the others of its group. What was not drawn is not in the
        group, so nothing can bring it back.
      </p>
      ${chosen === undefined ? nothing : groupTable(recording, chosen)}
      <p class="more">
        The toy: four ways to answer, none better than another. Give the rare one prompts of its own, examples (λ) or a
        leash (β), and see what is kept.
      </p>`;
  },
  figure: () => html`<lab-toy-arms></lab-toy-arms>`,
};

function groupTable(recording: Recording, { step, group }: NonNullable<ReturnType<typeof chosenGroup>>): unknown {
  const totals = group.completions.map(({ reward }) => reward.total);
  return html`<table class="group">
    <caption>
      ${groupText(step, totals)} Query: “${group.pair.query}”.
    </caption>
    <tbody>
      ${group.completions.map(({ reward, advantages, tokens }) => {
        const label = tokenText(tokens[0] ?? '', recording.rules, recording.labelNames);
        const cited = reward.steps.map(({ rule }) => recording.rules[rule]?.id ?? `rule ${rule}`).join(', ');
        // The label comes first, then the rule.
        const push = advantages[1] ?? advantages[0] ?? 0;
        return html`<tr>
          <td>${label}</td>
          <td><i>${cited === '' ? 'no rule' : cited}</i></td>
          <td class="paid">${reward.total.toFixed(2)}</td>
          <td class="push ${push > 0 ? 'up' : 'down'}">
            ${Math.abs(push) < 0.005 ? 'no change' : push > 0 ? '▲ more of it' : '▼ less of it'}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

const LAMBDA: LessonScreen = {
  title: 'What examples beside the reward do',
  prose: ({ e1, guesses, guess }) => {
    const arms = lambdaArms(e1);
    return html`<p class="lead">
        λ weighs an expert’s examples against the reward. Rivals hold the model to its start (k2, k3), or train on the
        examples alone (SFT continued). All on prompts and a reward that favour collapse.
      </p>
      ${question(
        'Which keeps most of the rare rules?',
        offeredArms(arms).map(({ arm, name }) => [arm, name]),
        guesses.keeps,
        (keeps) => guess({ keeps }),
        html`<p>${lambdaText(e1)}</p>
          <p class="more">${priceText(e1)}</p>`,
      )}`;
  },
  figure: ({ e1, guesses }) =>
    html`<lab-seed-dots
      .results=${e1}
      .arms=${lambdaArms(e1)}
      ?hidesOthers=${guesses.keeps === undefined}
    ></lab-seed-dots>`,
};

const MACHINE: LessonScreen = {
  title: 'On your machine',
  prose: ({ recording, isOwn }) =>
    html`<p class="lead">
        The same two runs, live, in this browser. Estimate first: at which step will the reward-only run have collapsed?
        The recorded lines are what to hold it against.
      </p>
      <p><a class="button primary" href="#/collapse?preset=lesson">Run it here</a></p>
      <p class="more">
        It is set to fewer held-out pairs and ${isOwn ? 'the seed' : `seed ${recording.seed}`}, and runs on while you
        read other pages. When the line of rare rules falls, move λ of that branch up, or fork it from a checkpoint:
        what was forgotten comes back only if something still shows it.
      </p>`,
  figure: ({ recording, balanced, isOwn }) => {
    const runs = isOwn ? [recording] : [recording, balanced];
    const steps = recording.frames.at(-1)?.step ?? 1;
    const lines = (of: (measures: Recording['frames'][number]['measures']) => number | null): ChartLine[] =>
      runs.map(({ name, frames }, i) => ({
        name,
        look: i === 0 ? 'branch-0' : 'branch-1',
        curve: frames.reduce((curve: Curve, { step, measures }) => {
          const value = of(measures);
          return value === null ? curve : addPoint(curve, step, value);
        }, EMPTY_CURVE),
      }));
    return html`<div class="charts">
      <lab-chart
        heading="Recorded: reward"
        .steps=${steps}
        .format=${(value: number) => value.toFixed(2)}
        .formatTick=${(value: number) => value.toFixed(2)}
        .lines=${lines(({ probe }) => probe.reward)}
      ></lab-chart>
      <lab-chart
        heading="Recorded: recall of rare rules"
        .steps=${steps}
        .range=${WHOLE}
        .format=${wholePercent}
        .formatTick=${wholePercent}
        .lines=${lines(({ heldOut }) => heldOut.tailRecall)}
      ></lab-chart>
    </div>`;
  },
};

/** The last screen is drawn by the lesson itself, which has the files to give away. */
export const SCREENS: readonly LessonScreen[] = [PAIR, REASONS, WHERE, WHY, LAMBDA, MACHINE];
