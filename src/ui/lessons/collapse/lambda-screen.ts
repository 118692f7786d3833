/** What lambda does, a dot per seed, with rivals on the same axis. */
import { html, nothing } from 'lit';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import '../parts/lab-seed-dots.ts';
import type { DotsRow } from '../parts/lab-seed-dots.ts';
import '../../parts/lab-term.ts';
import { dotsCsv, sourceText } from '../parts/results.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import { armMean, bestArmText, harsherText, lambdaArms, lambdaText, offeredArms, priceText, seedsOf } from './text.ts';

export const LAMBDA: LessonScreen<CollapseMaterial> = {
  title: 'What examples beside the reward do',
  notes:
    'Say before you show it that the honest answer is uncomfortable: examples help, and training on the examples alone, without ' +
    'any reward, keeps more still. A leash to the start (k3) is as good. Then show what each is paid meanwhile.',
  prose: () =>
    html`<p class="lead">
      λ weighs an expert’s examples against the reward. Rivals of reward only (<lab-term term="GRPO"></lab-term>) hold
      the model to its start (<lab-term term="k2, k3"></lab-term>), or train on the examples alone:
      <lab-term term="SFT">SFT continued</lab-term>. All on prompts and a reward that favour collapse.
    </p>`,
  question: ({ e1, e3, recording, isOwn }) => ({
    key: 'keeps',
    short: 'Keeps most',
    asked: 'Which keeps most of the rare rules?',
    answers: offeredArms(lambdaArms(e1)).map(({ arm, name }) => [arm, name]),
    measured: bestArmText(e1),
    truth: html`<p>${lambdaText(e1)}</p>
      <p class="more">${priceText(e1)} ${isOwn ? nothing : harsherText({ e1, e3, recording })}</p>`,
  }),
  figure: ({ e1, guesses }) =>
    html`<lab-seed-dots
      caption="Recall of rare rules at the end of a run, on the test split: a dot per seed, a line at the mean (experiment ${e1.id})"
      .rows=${rowsOf(e1)}
      .shown=${guesses['keeps'] === undefined ? 1 : Infinity}
    ></lab-seed-dots>`,
  source: ({ e1 }) => sourceText(e1),
  csv: ({ e1 }) => dotsCsv('tailRecall', rowsOf(e1)),
};

function rowsOf(e1: ExperimentResults): DotsRow[] {
  return lambdaArms(e1).map(({ arm, name, isRival }) => ({
    name,
    look: isRival ? 'rival' : name === 'reward only' ? 'plain' : 'own',
    values: seedsOf(e1, arm).map(({ metrics }) => metrics.tailRecall ?? 0),
    mean: armMean(e1, arm, 'tailRecall'),
  }));
}
