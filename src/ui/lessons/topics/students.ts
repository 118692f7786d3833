/** Teacher and student (E7): what a small model takes from a larger one, labels and reasons apart. */
import { formatDifference } from '../../parts/format.ts';
import { html } from 'lit';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { type Compared, comparedFigure, whichIsBest } from '../parts/compared.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv, dotsOf, findingOf, findingText, results, sourceText } from '../parts/results.ts';

interface Material {
  readonly e7: ExperimentResults;
}

const TEACHER = ['Teacher', 'the teacher', 'plain'] as const;
const ALONE = ['No teacher', 'no teacher', 'plain'] as const;
const STUDENTS = [
  ['Label KD', 'its probabilities of labels', 'own'],
  ['Hard label', 'its labels', 'rival'],
  ['Label and trace', 'its labels and reasons', 'rival'],
  ['JSD 0.5', 'its probabilities of every word', 'rival'],
] as const;
const REASONING = [
  ['Label and trace', 'its labels and reasons', 'own'],
  ['KL', 'every word, forward', 'rival'],
  ['JSD 0.5', 'every word, half and half', 'rival'],
] as const;

const labels = (e7: ExperimentResults): Compared => {
  return { key: 'labels', rows: dotsOf(e7, 'accuracy', [TEACHER, ALONE, ...STUDENTS]) };
};
const reasons = (e7: ExperimentResults): Compared => {
  return { key: 'reasons', rows: dotsOf(e7, 'tailRecall', [TEACHER, ALONE, ...REASONING]) };
};
const control = (e7: ExperimentResults): Compared => {
  const arms = [ALONE, ['No teacher, labels alone', 'no teacher, labels alone', 'own'], STUDENTS[0]] as const;
  return { key: 'control', rows: dotsOf(e7, 'accuracy', arms) };
};

export const openLesson = openable<Material>({
  load: async () => ({ e7: await results(import('../../../../docs/results/E7.json?extract')) }),
  source: ({ e7 }) => sourceText(e7),
  screens: [
    {
      title: 'What should a student copy?',
      notes:
        'All students are the same small model and read equally many words. They differ in what they are given of the teacher. ' +
        'Most rooms vote for the richest: every word with its probabilities.',
      prose: () =>
        html`<p class="lead">
          A small model learns from a larger one: its labels, its probabilities, its reasons, or every word that it
          might have written.
        </p>`,
      question: ({ e7 }) =>
        whichIsBest(
          labels(e7),
          { asked: 'Which makes the student’s labels best?', short: 'Best labels' },
          html`<p class="more">
            Less a student without a teacher.
            ${STUDENTS.map(([arm, name]) => {
              const found = findingOf(e7, `${arm} answers better than: No teacher`, 'accuracy');
              return `${name}: ${found?.outcome ?? ''}, ${formatDifference(found?.mean ?? 0)}. `;
            })}
          </p>`,
        ),
      figure: ({ e7, guesses }) =>
        comparedFigure(labels(e7), `Labels right on test pairs (experiment ${e7.id})`, guesses),
      csv: ({ e7 }) => dotsCsv('accuracy', labels(e7).rows),
    },
    {
      title: 'The control that spoils it',
      notes:
        'The best student gives no reasons at all. So the fair comparison is a model that learns labels alone, without any teacher. ' +
        'It comes a good part of the way by itself. Ask who would have thought of that control.',
      prose: () =>
        html`<p class="lead">
          The student with the best labels learned nothing but labels. A model without a teacher can do that too.
        </p>`,
      question: ({ e7 }) =>
        whichIsBest(
          control(e7),
          { asked: 'Which of the two labels better?', short: 'Against the control' },
          html`<p>
            The teacher’s probabilities against labels alone:
            ${findingText(findingOf(e7, 'Label KD answers better than: No teacher, labels alone', 'accuracy'))}.
          </p>`,
        ),
      figure: ({ e7, guesses }) =>
        comparedFigure(control(e7), `Labels right on test pairs (experiment ${e7.id})`, guesses),
      csv: ({ e7 }) => dotsCsv('accuracy', control(e7).rows),
    },
    {
      title: 'Do reasons come along?',
      notes:
        'Here the divergence matters: half-and-half from fresh weights learns no rare rule at all. It is the same lesson as mode ' +
        'collapse from another side: what the student never writes, it is never corrected on.',
      prose: () =>
        html`<p class="lead">Of the students that give reasons: which cite the rare rules that they should?</p>`,
      question: ({ e7 }) =>
        whichIsBest(
          reasons(e7),
          { asked: 'Which student cites most of the rare rules?', short: 'Cites rare rules' },
          REASONING.map(
            ([arm, name]) =>
              html`<p class="more">
                ${name}:
                ${findingText(findingOf(e7, `${arm} cites more rules of the tail than: No teacher`, 'tailRecall'))}.
              </p>`,
          ),
        ),
      figure: ({ e7, guesses }) =>
        comparedFigure(reasons(e7), `Recall of rare rules on test pairs (experiment ${e7.id})`, guesses),
      csv: ({ e7 }) => dotsCsv('tailRecall', reasons(e7).rows),
    },
  ],
  limits: ({ e7 }) => [
    e7.question,
    'One teacher and one size of student. A student that starts from trained weights may take other things.',
    'What is undecided with five seeds may still be there; it is smaller than what these runs can show.',
  ],
});
