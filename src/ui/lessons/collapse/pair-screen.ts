/** One pair before and after: surer, and wrong. */
import { html, nothing } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { reasonSentences } from '../../collapse/completion-text.ts';
import { lastFrame, surerAndWrong } from '../../flow/recording-facts.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import { answerText, PAIR_ANSWERS, PAIR_MEASURED, hardlyNoticedText, paidText, rewardText } from './text.ts';

export const PAIR: LessonScreen<CollapseMaterial> = {
  title: 'One pair, before and after',
  notes:
    'Read the query and the offer aloud. Let the room vote before you show it: most expect a right answer. Then ask what the ' +
    'reward has seen of this: a wrong label with a reason that fits it is still paid in part, and this pair hardly ever comes.',
  prose: ({ recording }) =>
    surerAndWrong(recording) === undefined
      ? html`<p>In this recording no pair of a rare rule turned wrong.</p>`
      : html`<p class="lead">
            A small model judges how well an offer fits a query. It says the label first and its reason after. An
            expert’s examples taught it the rules; from then on a reward trains it.
          </p>
          <p class="paid-for">${rewardText(recording)}</p>`,
  question: ({ recording }) => {
    const pair = surerAndWrong(recording);
    if (pair === undefined) return undefined;
    const { query = '', title = '' } = recording.pairs[pair] ?? {};
    return {
      key: 'pair',
      short: 'The one pair',
      asked: `\u201c${query}\u201d \u2013 \u201c${title}\u201d: it answers rightly at first. What becomes of the answer?`,
      answers: PAIR_ANSWERS,
      measured: PAIR_MEASURED,
      truth: html`<p>
        <strong>Wrong, and surer.</strong> ${paidText(recording)} The rule that decides this pair is rare, and the model
        has stopped citing it. ${hardlyNoticedText(recording)}
      </p>`,
    };
  },
  figure: ({ recording, guesses }) => {
    const pair = surerAndWrong(recording);
    if (pair === undefined) return nothing;
    const at = recording.pairs[pair];
    const rule = recording.rules[at?.rule ?? -1];
    return html`<div class="specimen">
      <p class="query">${at?.query}</p>
      <p class="offer">${at?.title}</p>
      ${at === undefined || at.details === '' ? nothing : html`<p class="details">${at.details}</p>`}
      <p class="gold">
        Right: <b>${recording.labelNames[at?.label ?? 0]}</b>, by <i>${rule?.id}</i> (rare): ${rule?.text}
      </p>
      <div class="twice">
        ${answerCard(recording, pair, 0)}
        ${
          guesses['pair'] === undefined
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
  const { frames, rules, pairs } = recording;
  const answers = frames[frame]?.answers;
  const isWrong = answers?.labels[pair] !== pairs[pair]?.label;
  const tokens = answers?.completions.find((each) => each.pair === pair)?.tokens ?? [];
  const reasons = reasonSentences(tokens, rules);
  const cited = rules[answers?.rules[pair] ?? -1];
  return html`<div class="answer ${isWrong ? 'is-wrong' : ''}">
    <h3>${frame === 0 ? 'Before' : 'After'}: step ${frames[frame]?.step}</h3>
    <p class="big">${answerText(recording, pair, frame)}</p>
    <p>
      ${isWrong ? 'Wrong' : 'Right'}.
      ${reasons.length === 0 ? 'It gives no reason.' : html`Because: <i>${cited?.id}</i>. ${reasons.join(' ')}`}
    </p>
  </div>`;
}
