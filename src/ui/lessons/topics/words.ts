/** Is the cited word the reason? (E10): labels without the words that their reasons cite, and a pair to try it on. */
import { html } from 'lit';
import * as v from 'valibot';
import { formatDifference, wholePercent } from '../../parts/format.ts';
import { type Compared, comparedFigure, whichIsBest } from '../parts/compared.ts';
import '../parts/lab-seed-dots.ts';
import type { DotsRow } from '../parts/lab-seed-dots.ts';
import { openable } from '../parts/lesson.ts';
import { dotsCsv } from '../parts/results.ts';
import './lab-word-remover.ts';

const ShareSchema = v.object({ value: v.number(), low: v.number(), high: v.number() });
const TakenOutSchema = v.object({
  pairs: v.number(),
  shouldMove: v.number(),
  movedAsRuled: ShareSchema,
  moved: ShareSchema,
});
/** What this lesson reads of docs/results/E10.json. */
const WordsSchema = v.object({
  id: v.string(),
  question: v.string(),
  device: v.string(),
  commit: v.string(),
  config: v.object({ pairs: v.number(), queries: v.number() }),
  arms: v.pipe(
    v.array(
      v.object({
        name: v.string(),
        decoding: v.optional(v.string(), 'free'),
        usable: v.number(),
        cited: TakenOutSchema,
        control: TakenOutSchema,
      }),
    ),
    // As models answer by themselves; held answers say nearly the same, and would fill a second figure.
    v.transform((arms) => arms.filter(({ decoding }) => decoding === 'free')),
    v.minLength(1),
  ),
  findings: v.array(
    v.object({ arm: v.string(), mean: v.number(), low: v.number(), high: v.number(), outcome: v.string() }),
  ),
});
type Words = v.InferOutput<typeof WordsSchema>;

interface Material {
  readonly e10: Words;
}

const NAMES: Readonly<Record<string, string>> = {
  'afrl-nano': 'model of the rule world',
  'lab-nano-start': 'before reinforcement',
  'lab-nano-collapsed': 'collapsed',
  'lab-nano-balanced': 'with examples',
};
const PARTS = [
  ['few', 'Fewer than half', 0.5],
  ['many', 'More than half', 0.75],
  ['most', 'More than three quarters', 1],
] as const;

function shareRow(
  name: string,
  { value, low, high }: v.InferOutput<typeof ShareSchema>,
  look: DotsRow['look'],
): DotsRow {
  return { name, look, values: [value], mean: value, interval: [low, high] };
}

const ruledRows = ({ arms }: Words): DotsRow[] =>
  arms.map(({ name, cited }) => shareRow(NAMES[name] ?? name, cited.movedAsRuled, 'own'));

/** The model of the rule world, which comes first: how often labels move without the cited words, and without others. */
function movedOf({ arms, findings }: Words): Compared {
  const [first] = arms;
  const isDecided = findings.find(({ arm }) => arm === first?.name)?.outcome !== 'undecided';
  const rows =
    first === undefined
      ? []
      : [
          shareRow('the cited words', first.cited.moved, 'own'),
          shareRow('as many others', first.control.moved, 'rival'),
        ];
  return { key: 'moved', rows, isDecided };
}

/** The findings on models as they answer by themselves. */
const freeFindings = ({ arms, findings }: Words): Words['findings'] =>
  findings.filter(({ arm }) => arms.some(({ name }) => name === arm));

/** The answer that a share falls under. */
function partOf(share: number): (typeof PARTS)[number] {
  return PARTS.find(([, , below]) => share < below) ?? PARTS[2];
}

export const openLesson = openable<Material>({
  load: async () => ({ e10: v.parse(WordsSchema, (await import('../../../../docs/results/E10.json')).default) }),
  source: ({ e10 }) =>
    `Measured, not live: experiment ${e10.id}, ${e10.config.pairs} pairs of ${e10.config.queries} queries, ` +
    `${e10.device.replace(/,.*$/u, '')}, commit ${e10.commit}.`,
  screens: [
    {
      title: 'Take the cited words away',
      notes:
        'A model says irrelevant because of the word refurbished. Is that why, or is it said afterwards? The test: take the word out ' +
        'of the document, ask the rules what should happen now, and ask the model again.',
      prose: () =>
        html`<p class="lead">
          A model gives a label and cites words of the document for it. Without these words the rules ask for another
          label. Does the model’s own label move there?
        </p>`,
      question: ({ e10 }) => {
        const share = e10.arms[0]?.cited.movedAsRuled.value ?? 0;
        const [, text] = partOf(share);
        return {
          key: 'ruled',
          short: 'Labels that follow',
          asked: 'Of the labels that ought to move, how many move to where the rules say?',
          answers: PARTS.map(([value, name]) => [value, name]),
          measured: `${text}: ${wholePercent(share)}`,
          truth: html`<p>
            <strong>${text}.</strong> Of the
            ${ruledRows(e10)
              .map(({ name, mean }) => `${name} ${wholePercent(mean)}`)
              .join(', ')}.
            Even the collapsed model means what it cites; it only cites fewer rules.
          </p>`,
        };
      },
      figure: ({ e10, guesses }) =>
        html`<lab-seed-dots
          caption="Labels that move as the rules say once the cited words are gone, with 95 % intervals (experiment ${e10.id})"
          .rows=${ruledRows(e10)}
          .shown=${guesses['ruled'] === undefined ? 0 : Infinity}
        ></lab-seed-dots>`,
      csv: ({ e10 }) => dotsCsv('movedAsRuled', ruledRows(e10)),
    },
    {
      title: 'Or would any words do?',
      notes:
        'The control. Taking words away always does something to a model. So as many other words are taken from the same documents. ' +
        'Only the difference says that the cited ones matter.',
      prose: () =>
        html`<p class="lead">
          A document with a hole in it is a strange document. So the same is done with as many words that were not
          cited.
        </p>`,
      question: ({ e10 }) =>
        whichIsBest(
          movedOf(e10),
          { asked: 'Without which words do labels move more often?', short: 'Which words matter' },
          freeFindings(e10).map(
            ({ arm, mean, low, high, outcome }) =>
              html`<p class="more">
                ${NAMES[arm] ?? arm}, difference: ${outcome}, ${formatDifference(mean)} (95 % from
                ${formatDifference(low)} to ${formatDifference(high)}).
              </p>`,
          ),
        ),
      figure: ({ e10, guesses }) =>
        comparedFigure(
          movedOf(e10),
          `Labels that move, of the model of the rule world, without these words (experiment ${e10.id})`,
          guesses,
        ),
      csv: ({ e10 }) => dotsCsv('moved', movedOf(e10).rows),
    },
    {
      title: 'Try it',
      notes:
        'Load the model before the lesson: it takes some seconds. Let the room choose a word, say what should happen, and press it. ' +
        'Then a word that was not cited.',
      prose: () =>
        html`<p class="lead">
            The model of the rule world, live in this browser. Words that it cites are underlined. Press a word to take
            it out of the document; press it again to put it back.
          </p>
          <p class="more">Nothing of this is recorded: what you see is what the model answers here and now.</p>`,
      figure: () => html`<lab-word-remover></lab-word-remover>`,
    },
  ],
  closing: ({ e10, guesses }) =>
    comparedFigure(
      { ...movedOf(e10), key: '' },
      `Labels that move, of the model of the rule world, without these words (experiment ${e10.id})`,
      { ...guesses, '': '' },
    ),
  limits: ({ e10 }) => [
    e10.question,
    `Looked at are right answers that cite words of the document: ${e10.arms[0]?.usable ?? 0} of ${e10.config.pairs} of the model of the rule world.`,
    'One model of each kind: nothing is said about other seeds.',
    'That a label follows its words does not make the reason the cause; it makes it hard to believe that it is decoration.',
  ],
});
