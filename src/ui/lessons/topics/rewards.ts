/** Paid for the wrong thing (E8): three rewards, what each of them earns, and what is learned for it. */
import { formatDifference } from '../../parts/format.ts';
import { html } from 'lit';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { type Compared, comparedFigure, howManyFell, whichIsBest } from '../parts/compared.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv, dotsOf, findingOf, findingText, results, sourceText } from '../parts/results.ts';

interface Material {
  readonly e8: ExperimentResults;
}

const START = ['SFT', 'the start', 'plain'] as const;
const REWARDS = [
  ['GRPO (matched, lenient)', 'label and form', 'rival'],
  ['GRPO (matched, plausible)', 'plausible reasons', 'rival'],
  ['GRPO (matched, full)', 'every step checked', 'own'],
] as const;
/** Of claims, what the full reward is held against. */
const OTHERS = [
  ['matched, lenient', 'label and form'],
  ['matched, plausible', 'plausible reasons'],
] as const;

const paid = (e8: ExperimentResults): Compared => {
  return { key: 'paid', rows: dotsOf(e8, 'rewardGain', REWARDS), format: formatDifference };
};
const worth = (e8: ExperimentResults): Compared => {
  return { key: 'worth', rows: dotsOf(e8, 'strictReward', [START, ...REWARDS]) };
};
const kept = (e8: ExperimentResults): Compared => {
  return { key: 'kept', rows: dotsOf(e8, 'tailRecall', [START, ...REWARDS]) };
};

function against(e8: ExperimentResults, claim: string, metric: 'strictReward' | 'tailRecall'): unknown {
  return OTHERS.map(
    ([other, name]) =>
      html`<p class="more">
        Every step checked, less ${name}: ${findingText(findingOf(e8, `${claim} (against ${other})`, metric))}.
      </p>`,
  );
}

export const openLesson = openable<Material>({
  load: async () => ({ e8: await results(import('../../../../docs/results/E8.json?extract')) }),
  source: ({ e8 }) => sourceText(e8),
  screens: [
    {
      title: 'Three ways to pay',
      notes:
        'Give an example for each: label and form only; a cited rule that implies the label and whose words are there; every step ' +
        'as the expert has it. Ask which of them you would build first. It is nearly always the cheapest. Seeds differ so much ' +
        'that nobody can say whose pay rises most: it is the first thing that a room should ask of such a figure.',
      prose: () =>
        html`<p class="lead">
          A model writes a label and its reasons, and is paid. One reward looks at the label and the form. One also asks
          whether the reasons are plausible. One compares every step with an expert’s.
        </p>`,
      question: ({ e8 }) =>
        whichIsBest(
          paid(e8),
          { asked: 'Under which does the pay rise most?', short: 'Pay rises most' },
          html`<p class="more">
            Each is paid in its own coin here; nothing is said yet about what was learned for it.
          </p>`,
        ),
      figure: ({ e8, guesses }) =>
        comparedFigure(paid(e8), `Reward gained over a run, each by its own reward (experiment ${e8.id})`, guesses),
      csv: ({ e8 }) => dotsCsv('rewardGain', paid(e8).rows),
    },
    {
      title: 'What the pay is worth',
      notes:
        'The same models, all judged by the strictest reward. The start is the first line: point out that no mean reaches it. ' +
        'A reward that rises is no proof of anything but itself.',
      prose: () =>
        html`<p class="lead">
          Now all of them are judged by one measure: how much of an expert’s reasoning is in their answers to pairs that
          they have never seen.
        </p>`,
      question: ({ e8 }) =>
        howManyFell(
          worth(e8),
          { asked: 'How many of the three reason worse than the start, beyond chance?', short: 'Reason worse' },
          against(e8, 'The full reward gives better reasoning', 'strictReward'),
        ),
      figure: ({ e8, guesses }) =>
        comparedFigure(worth(e8), `Strict reward of answers to test pairs (experiment ${e8.id})`, guesses),
      csv: ({ e8 }) => dotsCsv('strictReward', worth(e8).rows),
    },
    {
      title: 'What nobody paid for',
      notes:
        'Rare rules again: what no reward looks for is lost first. The difference between the rewards is small, and one of the two ' +
        'comparisons is undecided. Say so; it is what five seeds can tell.',
      prose: () => html`<p class="lead">Rare rules decide few pairs, so they are worth little to any of the three.</p>`,
      question: ({ e8 }) =>
        howManyFell(
          kept(e8),
          { asked: 'How many of the three lose rare rules, beyond chance?', short: 'Lose rare rules' },
          against(e8, 'The full reward keeps the tail', 'tailRecall'),
        ),
      figure: ({ e8, guesses }) =>
        comparedFigure(kept(e8), `Recall of rare rules on test pairs (experiment ${e8.id})`, guesses),
      csv: ({ e8 }) => dotsCsv('tailRecall', kept(e8).rows),
    },
  ],
  limits: ({ e8 }) => [
    e8.question,
    'Prompts are matched here: rare rules come as often as in the expert\u2019s data. On head-heavy prompts more is lost.',
    'Differences are small beside those between seeds; where a comparison is undecided, the experiment says nothing.',
  ],
});
