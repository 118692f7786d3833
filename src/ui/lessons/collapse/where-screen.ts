/** Where the answers went: merging and vanishing, and what accuracy sees of either. */
import { html, nothing } from 'lit';
import '../../flow/lab-flow.ts';
import { lastFrame, mergedRule, vanishedRule } from '../../flow/recording-facts.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import { answersCsv } from './curves-csv.ts';
import { accuracyText, fateText, SEEN_ANSWERS, SEEN_MEASURED } from './text.ts';

export const WHERE: LessonScreen<CollapseMaterial> = {
  title: 'Where the answers went',
  notes:
    'Play it with Space. Point at a common rule first: its ribbon runs into another rule and its labels stay right. Then at an ' +
    'italic one near the end: a ring is all that is left, and its labels are wrong. Ask which of the two a dashboard would show.',
  prose: () =>
    html`<p class="lead">
      Left: the rule that should decide. Right: the rule that the model decides by.
      <span class="narrow">Both sides have the same rows, named on the right.</span> Ribbons that join are rules that
      became one. A ring is a rule that decides nothing at this step: before training one that the model has not used
      yet, later one that died. Names in italics are rare.
    </p>`,
  question: ({ recording }) => {
    const merged = mergedRule(recording, lastFrame(recording));
    const vanished = vanishedRule(recording, lastFrame(recording));
    return {
      key: 'seen',
      short: 'Accuracy shows',
      asked:
        'Some rules merge with others of equal pay, some vanish with their labels. Which would label accuracy show you?',
      answers: SEEN_ANSWERS,
      measured: SEEN_MEASURED,
      truth: html`<p><strong>Neither by name.</strong> ${accuracyText(recording)}</p>
        ${merged === undefined ? nothing : html`<p>Merged: ${fateText(recording, merged)} Accuracy sees nothing of it.</p>`}
        ${vanished === undefined ? nothing : html`<p>Vanished: ${fateText(recording, vanished)}</p>`}`,
    };
  },
  figure: ({ recording, guesses, isPresenting, isPrinting }) =>
    html`<lab-flow
      .recording=${recording}
      explains
      ?terse=${isPresenting}
      ?ended=${isPrinting}
      ?plays=${guesses['seen'] !== undefined && !isPrinting}
    ></lab-flow>`,
  csv: ({ recording }) => answersCsv(recording),
};
