/** Why one seed proves nothing (E1): one comparison seed by seed, an interval, and how often a run collapses. */
import { html } from 'lit';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { formatDifference, wholePercent } from '../../parts/format.ts';
import '../parts/lab-seed-dots.ts';
import type { DotsRow } from '../parts/lab-seed-dots.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv, findingOf, findingText, meanOf, results, sourceText, valuesOf } from '../parts/results.ts';

interface Material {
  readonly e1: ExperimentResults;
}

/** A comparison that is undecided: examples against a leash of the same weight. */
const PAIR = {
  own: 'MBO 0.3 (head-heavy, plausible)',
  other: 'GRPO + k3 0.3 (head-heavy, plausible)',
  claim: 'MBO keeps more tail recall than a k3 term of the same weight',
  metric: 'tailRecall',
} as const;
const PLAIN = 'GRPO (head-heavy, plausible)';
const RANGE: readonly [number, number] = [-0.2, 0.2];

/** Own less other, seed by seed. */
function differences(e1: ExperimentResults): number[] {
  const other = valuesOf(e1, PAIR.other, PAIR.metric);
  return valuesOf(e1, PAIR.own, PAIR.metric).map((value, seed) => value - (other[seed] ?? 0));
}

/** A row for each seed, and all of them with their interval. */
function rowsOf(e1: ExperimentResults): DotsRow[] {
  const found = findingOf(e1, PAIR.claim, PAIR.metric);
  const all = differences(e1);
  const [low, high] = [found?.low ?? null, found?.high ?? null];
  const interval = low === null || high === null ? undefined : ([low, high] as const);
  return [
    ...all.map((value, i): DotsRow => ({ name: `seed ${i + 1}`, look: 'rival', values: [value], mean: value })),
    { name: 'all seeds', look: 'own', values: all, mean: meanOf(all), interval },
  ];
}

/** How the signs of the differences are spread, as one of the answers. */
function spreadOf(values: readonly number[]): 'above' | 'below' | 'both' {
  if (values.every((value) => value > 0)) return 'above';
  return values.every((value) => value < 0) ? 'below' : 'both';
}

const SPREADS = [
  ['above', 'Examples, every time'],
  ['below', 'The leash, every time'],
  ['both', 'Now the one, now the other'],
] as const;
const OUTCOMES = [
  ['supported', 'Examples keep more'],
  ['refuted', 'The leash keeps more'],
  ['undecided', 'Nobody knows'],
] as const;

const nameOf = (answers: readonly (readonly [string, string])[], value: string): string =>
  answers.find(([each]) => each === value)?.[1] ?? value;

function collapsed(e1: ExperimentResults): { readonly part: number; readonly whole: number } {
  const values = valuesOf(e1, PLAIN, 'collapsed');
  return { part: values.filter((value) => value === 1).length, whole: values.length };
}

export const openLesson = openable<Material>({
  load: async () => ({ e1: await results(import('../../../../docs/results/E1.json?extract')) }),
  source: ({ e1 }) => sourceText(e1),
  screens: [
    {
      title: 'One run, one answer',
      notes:
        'Show the first line and let the room write the headline. Then the others: same code, same settings, another seed of the ' +
        'random numbers. Ask what each of them would have reported alone.',
      prose: ({ e1 }) =>
        html`<p class="lead">
          Two remedies of one weight: examples beside the reward, and a leash to the start (k3). You have run each once.
          Recall of rare rules with your seed, examples less leash: ${formatDifference(differences(e1)[0] ?? 0)}.
        </p>`,
      question: ({ e1 }) => ({
        key: 'spread',
        short: 'Other seeds',
        asked: 'Which is ahead with the other seeds?',
        answers: SPREADS,
        measured: nameOf(SPREADS, spreadOf(differences(e1))),
        truth: html`<p>
          <strong>${nameOf(SPREADS, spreadOf(differences(e1)))}.</strong>
          ${differences(e1).map(formatDifference).join(', ')}: nothing but the seed differs.
        </p>`,
      }),
      figure: ({ e1, guesses }) =>
        html`<lab-seed-dots
          caption="Recall of rare rules, examples less leash: above zero examples keep more (experiment ${e1.id})"
          .rows=${rowsOf(e1).slice(0, -1)}
          .range=${RANGE}
          .format=${formatDifference}
          .shown=${guesses['spread'] === undefined ? 1 : Infinity}
        ></lab-seed-dots>`,
      csv: ({ e1 }) => dotsCsv('tailRecallDifference', rowsOf(e1).slice(0, -1)),
    },
    {
      title: 'How wide is what you know?',
      notes:
        'The bar is where the mean of very many seeds would lie, as far as these can say. It crosses zero, so the experiment must ' +
        'answer with a shrug, however the mean looks. A shrug is a result too: it says how many seeds more it would take.',
      prose: () =>
        html`<p class="lead">
          All seeds together give a mean, and an interval in which the mean of very many seeds would lie, in nineteen
          experiments of twenty.
        </p>`,
      question: ({ e1 }) => {
        const found = findingOf(e1, PAIR.claim, PAIR.metric);
        return {
          key: 'outcome',
          short: 'What is known',
          asked: 'What may one say after all of them?',
          answers: OUTCOMES,
          measured: nameOf(OUTCOMES, found?.outcome ?? ''),
          truth: html`<p>
            <strong>${nameOf(OUTCOMES, found?.outcome ?? '')}.</strong> Examples less leash, ${findingText(found)}.
          </p>`,
        };
      },
      figure: ({ e1, guesses }) =>
        html`<lab-seed-dots
          caption="The same, with the interval of the mean (experiment ${e1.id})"
          .rows=${rowsOf(e1)}
          .range=${RANGE}
          .format=${formatDifference}
          .shown=${guesses['outcome'] === undefined ? rowsOf(e1).length - 1 : Infinity}
        ></lab-seed-dots>`,
      csv: ({ e1 }) => dotsCsv('tailRecallDifference', rowsOf(e1)),
    },
    {
      title: 'The demonstration was chosen',
      notes:
        'Be honest about the first lesson: its run was chosen because it collapses. With the plain settings some seeds do and some ' +
        'do not. A demonstration shows how a thing looks; only a count shows how often it happens.',
      prose: () =>
        html`<p class="lead">
          The lesson on mode collapse plays one recorded run. It was chosen to show how a collapse looks. Here are the
          runs of plain GRPO in the experiment, a seed each.
        </p>`,
      question: ({ e1 }) => {
        const { part, whole } = collapsed(e1);
        const answers = [
          ['none', 'None of them'],
          ['some', 'Some of them'],
          ['all', 'All of them'],
        ] as const;
        const value = part === 0 ? 'none' : part === whole ? 'all' : 'some';
        return {
          key: 'often',
          short: 'How many collapse',
          asked: 'How many of these meet the definition of a collapse at the end?',
          answers,
          measured: `${part} of ${whole}`,
          truth: html`<p>
            <strong>${nameOf(answers, value)}: ${part} of ${whole}.</strong> At the start
            ${wholePercent(meanOf(valuesOf(e1, 'SFT', 'tailRecall')))} of the rare rules were cited.
          </p>`,
        };
      },
      figure: ({ e1, guesses }) =>
        html`<lab-seed-dots
          caption="Recall of rare rules at the end, plain GRPO; a collapse needs a loss of reasons and a gain in reward as well (experiment ${e1.id})"
          .rows=${endsOf(e1, guesses['often'] !== undefined)}
        ></lab-seed-dots>`,
      csv: ({ e1 }) => dotsCsv('tailRecall', endsOf(e1, true)),
    },
  ],
  limits: ({ e1 }) => [
    `${valuesOf(e1, PLAIN, 'tailRecall').length} seeds are few. They bound the mean over seeds, not what the next run will do.`,
    'Seeds say nothing about other data, other sizes, or a setting that favours one side by construction.',
    'Looking at many comparisons finds some that look decided by chance.',
  ],
});

/** A row for each seed of plain GRPO, named by what became of it once that is known. */
function endsOf(e1: ExperimentResults, isKnown: boolean): DotsRow[] {
  const fates = valuesOf(e1, PLAIN, 'collapsed');
  return valuesOf(e1, PLAIN, 'tailRecall').map((value, i) => {
    const fate = fates[i] === 1 ? ', collapsed' : '';
    return { name: `seed ${i + 1}${isKnown ? fate : ''}`, look: 'plain', values: [value], mean: value };
  });
}
