/** Answer first or reason first (E6): whether reasons make labels better, and what it costs to give them first. */
import { html } from 'lit';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { type Compared, comparedFigure, whichIsBest } from '../parts/compared.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv, dotsOf, findingOf, findingText, results, sourceText } from '../parts/results.ts';

interface Material {
  readonly e6: ExperimentResults;
}

const ARMS = [
  ['Answer first', 'answer first', 'own'],
  ['Reason first', 'reason first', 'rival'],
  ['Label only, equal tokens', 'labels alone', 'rival'],
] as const;
const ORDERS = [ARMS[0], ARMS[1]] as const;

const labels = (e6: ExperimentResults): Compared => ({ key: 'labels', rows: dotsOf(e6, 'accuracy', ARMS) });
const rare = (e6: ExperimentResults): Compared => ({ key: 'rare', rows: dotsOf(e6, 'tailLabels', ARMS) });
const wait = (e6: ExperimentResults): Compared => {
  const format = (value: number): string => value.toFixed(1);
  return { key: 'wait', rows: dotsOf(e6, 'tokensToLabel', ORDERS), isLowBest: true, format };
};

export const openLesson = openable<Material>({
  load: async () => ({ e6: await results(import('../../../../docs/results/E6.json?extract')) }),
  source: ({ e6 }) => sourceText(e6),
  screens: [
    {
      title: 'Do reasons make labels better?',
      notes:
        'Everybody has heard that models should think first. Let the room say why. Then show it: at equal tokens the model that ' +
        'learns labels alone labels best. Reasons are bought with labels, not the other way round.',
      prose: () =>
        html`<p class="lead">
          Three small models read equally many words. One says its label and then its reasons, one its reasons first,
          one the label alone.
        </p>`,
      question: ({ e6 }) =>
        whichIsBest(
          labels(e6),
          { asked: 'Which labels best?', short: 'Best labels' },
          html`<p>
              The trace makes labels better, at equal tokens:
              ${findingText(findingOf(e6, 'The trace makes labels better, at equal tokens', 'accuracy'))}.
            </p>
            <p>
              Reasoning first answers better than answering first:
              ${findingText(findingOf(e6, 'Reasoning first answers better than answering first', 'accuracy'))}.
            </p>`,
        ),
      figure: ({ e6, guesses }) =>
        comparedFigure(labels(e6), `Labels right on test pairs (experiment ${e6.id})`, guesses),
      csv: ({ e6 }) => dotsCsv('accuracy', labels(e6).rows),
    },
    {
      title: 'Where it should help most',
      notes:
        'If reasons helped anywhere, it should be here: pairs that a rare rule decides. Reasoning first does worst. One wrong step ' +
        'early, and the label follows it.',
      prose: () =>
        html`<p class="lead">
          Pairs that a rare rule decides are the hard ones. Here a reason ought to be worth something.
        </p>`,
      question: ({ e6 }) =>
        whichIsBest(
          rare(e6),
          { asked: 'Which labels these best?', short: 'Best on rare rules' },
          html`<p>
            Reasoning first answers better than labels alone, rare rules:
            ${findingText(findingOf(e6, 'Reasoning first answers better than labels alone', 'tailLabels'))}.
          </p>`,
        ),
      figure: ({ e6, guesses }) =>
        comparedFigure(
          rare(e6),
          `Labels right where a rare rule decides, on test pairs (experiment ${e6.id})`,
          guesses,
        ),
      csv: ({ e6 }) => dotsCsv('tailLabels', rare(e6).rows),
    },
    {
      title: 'What one waits for',
      notes:
        'This is what answer first is for. A search engine needs the label now; who wants to know why can read on. So reasons that ' +
        'come later cost the searcher nothing.',
      prose: () =>
        html`<p class="lead">
          A searcher waits for the label. Whatever is written before it is waiting time; what is written after it is
          not.
        </p>`,
      question: ({ e6 }) =>
        whichIsBest(
          wait(e6),
          { asked: 'After how many words is the label there: which is sooner?', short: 'Sooner' },
          html`<p>
            Difference in words: ${findingText(findingOf(e6, 'Answering first answers sooner', 'tokensToLabel'))}.
          </p>`,
        ),
      figure: ({ e6, guesses }) =>
        comparedFigure(wait(e6), `Words written up to and including the label (experiment ${e6.id})`, guesses),
      csv: ({ e6 }) => dotsCsv('tokensToLabel', wait(e6).rows),
    },
  ],
  limits: ({ e6 }) => [
    e6.question,
    'Small models that learn from an expert\u2019s reasons. Large models that reason at length are another matter.',
    'At equal steps, and where labels weigh the same, most comparisons are undecided; the results file has them all.',
  ],
});
