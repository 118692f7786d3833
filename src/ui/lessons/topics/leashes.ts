/** What k1, k2 and k3 push: computed while one looks, and then what the two that push did in real runs (E1). */
import { html } from 'lit';
import { type Estimator, ESTIMATORS, expectedFacts, klNats, softmax } from '../../../common/kl-estimators.ts';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { type Compared, comparedFigure, whichIsBest } from '../parts/compared.ts';
import '../parts/lab-seed-dots.ts';
import type { DotsRow } from '../parts/lab-seed-dots.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv, dotsOf, findingOf, findingText, results } from '../parts/results.ts';

interface Material {
  readonly e1: ExperimentResults;
}

/** A policy and a reference over four outcomes, and a policy that has nearly lost the last one. */
const POLICY = softmax([1.2, 0.1, -0.4, -1.2]);
const REFERENCE = softmax([0.1, 0.4, 0.2, -0.2]);
const FORGETFUL = softmax([3, 2.2, 1.6, -4]);
const LOST = FORGETFUL.length - 1;
const TINY = 1e-9;
const three = (value: number): string => value.toFixed(3);

const ARMS = [
  ['GRPO (head-heavy, plausible)', 'no leash', 'plain'],
  ['GRPO + k2 0.3 (head-heavy, plausible)', 'k2', 'rival'],
  ['GRPO + k3 0.3 (head-heavy, plausible)', 'k3', 'own'],
  ['GRPO + k3 1 (head-heavy, plausible)', 'k3, stronger', 'own'],
] as const;

/** Each estimate, and the deviation of a single sample around it; then the divergence itself. */
function estimateRows(): DotsRow[] {
  const exact = klNats(POLICY, REFERENCE);
  return [
    { name: 'the divergence', look: 'plain', values: [], mean: exact },
    ...ESTIMATORS.map((kind): DotsRow => {
      const { mean, sd } = expectedFacts(kind, POLICY, REFERENCE);
      return { name: kind, look: 'own', values: [], mean, interval: [mean - sd, mean + sd] };
    }),
  ];
}

/** How strongly each pulls the lost outcome back when it is a loss: minus its gradient there. */
function pullRows(): DotsRow[] {
  return ESTIMATORS.map((kind): DotsRow => {
    const pull = -(expectedFacts(kind, FORGETFUL, REFERENCE).gradient[LOST] ?? 0);
    return { name: kind, look: 'own', values: [pull], mean: pull };
  });
}

const NAMES: readonly (readonly [Estimator, string])[] = ESTIMATORS.map((kind) => [kind, kind]);

/** Those whose mean is the divergence. */
function unbiased(): string {
  const exact = klNats(POLICY, REFERENCE);
  const fits = ESTIMATORS.filter((kind) => Math.abs(expectedFacts(kind, POLICY, REFERENCE).mean - exact) < TINY);
  return fits.join(' and ');
}

/** The one whose gradient is nothing on average. */
function idle(): string {
  return (
    ESTIMATORS.find((kind) => expectedFacts(kind, POLICY, REFERENCE).gradient.every((push) => Math.abs(push) < TINY)) ??
    'none'
  );
}

const runs = (e1: ExperimentResults): Compared => ({ key: 'runs', rows: dotsOf(e1, 'tailRecall', ARMS) });

export const openLesson = openable<Material>({
  load: async () => ({ e1: await results(import('../../../../docs/results/E1.json?extract')) }),
  source: ({ e1 }) => `Computed in this page; the runs are of experiment ${e1.id}, commit ${e1.commit}.`,
  screens: [
    {
      title: 'Three estimates of one number',
      notes:
        'A trainer sees only what the policy samples. From those it estimates how far the policy has gone from its start. The bars ' +
        'are the spread of a single sample: k3 is liked because it is never negative and spreads less.',
      prose: () =>
        html`<p class="lead">
          A leash holds a policy p near its start by a divergence, which is estimated from samples of p: k1 is
          log(p/ref), k2 half its square, k3 is ref/p − log(ref/p) less one.
        </p>`,
      question: () => ({
        key: 'unbiased',
        short: 'Right on average',
        asked: 'Which of them are right on average?',
        answers: [
          ['k1', 'k1'],
          ['k1 and k2', 'k1 and k2'],
          ['k1 and k3', 'k1 and k3'],
          ['all', 'All of them'],
        ],
        measured: unbiased(),
        truth: html`<p>
          <strong>${unbiased()}.</strong> The divergence is ${three(klNats(POLICY, REFERENCE))} nats here; the means are
          ${ESTIMATORS.map((kind) => `${kind} ${three(expectedFacts(kind, POLICY, REFERENCE).mean)}`).join(', ')}.
        </p>`,
      }),
      figure: ({ guesses }) =>
        html`<lab-seed-dots
          caption="Mean of each estimate over four outcomes, with the deviation of a single sample, in nats"
          .rows=${estimateRows()}
          .range=${[-0.6, 1.4] as const}
          .format=${three}
          .shown=${guesses['unbiased'] === undefined ? 1 : Infinity}
        ></lab-seed-dots>`,
      csv: () => dotsCsv('estimateNats', estimateRows()),
    },
    {
      title: 'As a loss they are something else',
      notes:
        'This is where most implementations surprise their authors. An estimate that is right as a number may push nowhere as a ' +
        'loss: the gradient of k1 is nothing on average, it is noise.',
      prose: () =>
        html`<p class="lead">
          Put into a loss, an estimate is no longer read but differentiated, through log p of what was sampled.
        </p>`,
      question: () => ({
        key: 'idle',
        short: 'Pushes nowhere',
        asked: 'Which of them pushes nowhere on average?',
        answers: NAMES,
        measured: idle(),
        truth: html`<p>
          <strong>${idle()}.</strong> The other two push towards the start: k2 as the reverse divergence KL(p ‖ ref)
          does, k3 as the forward one, KL(ref ‖ p).
        </p>`,
      }),
      figure: ({ guesses }) =>
        html`<lab-seed-dots
          caption="Largest push on any of four outcomes, as a loss"
          .rows=${pushRows()}
          .range=${[0, 0.4] as const}
          .format=${three}
          .shown=${guesses['idle'] === undefined ? 0 : Infinity}
        ></lab-seed-dots>`,
      csv: () => dotsCsv('largestPush', pushRows()),
    },
    {
      title: 'Who brings back what is lost?',
      notes:
        'This is the point of the lesson. The reverse divergence weighs an outcome by how often the policy still takes it, so what ' +
        'is nearly lost is hardly pulled. The forward one weighs it by how often the start took it.',
      prose: () =>
        html`<p class="lead">
          A policy that has nearly lost one of four outcomes: it takes it in ${(FORGETFUL[LOST] ?? 0).toFixed(4)} of all
          cases, its start in ${(REFERENCE[LOST] ?? 0).toFixed(2)}.
        </p>`,
      question: () => {
        const rows = pullRows();
        return whichIsBest(
          { key: 'pull', rows, format: three, what: 'Pulls' },
          { asked: 'Which pulls the lost outcome back hardest?', short: 'Brings back' },
          html`<p>So “GRPO with k3” pulls towards covering the start, and k2 hardly does where it would matter.</p>`,
        );
      },
      figure: ({ guesses }) =>
        html`<lab-seed-dots
          caption="Pull on the outcome that is nearly lost, as a loss"
          .rows=${pullRows()}
          .range=${[0, 0.3] as const}
          .format=${three}
          .shown=${guesses['pull'] === undefined ? 0 : Infinity}
        ></lab-seed-dots>`,
      csv: () => dotsCsv('pull', pullRows()),
    },
    {
      title: 'And in real runs?',
      notes:
        'Theory says that k3 should keep more of what is rare. With five seeds the two weak leashes do not differ; the strong k3 ' +
        'keeps more than mode balance does. Gaussians and arrows explain a tendency, they do not replace the run.',
      prose: () =>
        html`<p class="lead">
          Plain reinforcement on prompts that favour collapse, with a leash or without one, five seeds each.
        </p>`,
      question: ({ e1 }) =>
        whichIsBest(
          runs(e1),
          { asked: 'Which leash keeps most of the rare rules?', short: 'Keeps rare rules' },
          html`<p>
              Mode balance keeps more than a strong k3 term:
              ${findingText(findingOf(e1, 'MBO keeps more tail recall than a strong k3 term', 'tailRecall'))}.
            </p>
            <p>
              Than a weak one:
              ${findingText(findingOf(e1, 'MBO keeps more tail recall than a k3 term of the same weight', 'tailRecall'))}.
            </p>`,
        ),
      figure: ({ e1, guesses }) =>
        comparedFigure(runs(e1), `Recall of rare rules at the end, on test pairs (experiment ${e1.id})`, guesses),
      csv: ({ e1 }) => dotsCsv('tailRecall', runs(e1).rows),
    },
  ],
  limits: () => [
    'The first three screens are exact sums over four outcomes; a language model has more of them, and noise.',
    'Whether the direction of a divergence decides what a language model forgets is disputed (arXiv 2510.20817): with a weak ' +
      'leash the reward alone may decide it.',
    'k1 inside the reward, as some trainers have it, is another thing than k1 in the loss: there it does push.',
  ],
});

/** The largest push of each on any outcome. */
function pushRows(): DotsRow[] {
  return ESTIMATORS.map((kind): DotsRow => {
    const { gradient } = expectedFacts(kind, POLICY, REFERENCE);
    const push = Math.max(...gradient.map(Math.abs));
    return { name: kind, look: 'own', values: [push], mean: push };
  });
}
