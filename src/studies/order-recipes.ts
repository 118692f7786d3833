/**
 * The experiment on the order of completions as a recipe: the label first, the reasoning first, or the label alone, in short
 * runs of the smallest preset. A pair takes fewer tokens without a trace, so that the label alone runs twice: for equal
 * steps, and for equal tokens.
 *
 * The loss is a mean over the tokens of completions. So the label has a fifteenth of it where there is a trace, and half of
 * it where there is none; an arm whose label weighs as much as that tells this apart from what the trace does.
 */
import type { MetricName } from '../protocol/experiment-results.ts';
import type { CompletionOrder } from '../relevance/trace/trace.ts';
import type { Arm, Comparison, OrderSettings, Recipe } from './recipes.ts';

const STEPS = 500;
/** No pair comes twice. */
const TRAIN_QUERIES = 4000;
/** Input tokens of a pair with the expert's completion, and with the label alone; a test holds them to the world. */
export const TOKENS_PER_PAIR = { 'answer-first': 79.8, 'label-only': 65.9 } as const;
const EQUAL_TOKEN_STEPS = Math.round((STEPS * TOKENS_PER_PAIR['answer-first']) / TOKENS_PER_PAIR['label-only']);
/** Tokens of a completion beside its label, about: so heavy, the label has half of the loss. */
const TRACE_TOKENS = 15;
/** Of these about a fifth cite a rule of the tail. */
const DEV_PAIRS = 300;

function arm(name: string, order: CompletionOrder, sft: OrderSettings['sft'] = {}): Arm {
  const settings: OrderSettings = {
    preset: 'lab-nano',
    order,
    data: { kind: 'world', trainQueries: TRAIN_QUERIES },
    devPairs: DEV_PAIRS,
    sft: { steps: STEPS, batchSize: 32, warmupSteps: 50, evaluateEvery: 125, ...sft },
  };
  return { name, run: { kind: 'order', settings } };
}

const ANSWER_FIRST = arm('Answer first', 'answer-first');
const REASON_FIRST = arm('Reason first', 'reason-first');
const LABEL_AT_TOKENS = arm('Label only, equal tokens', 'label-only', { steps: EQUAL_TOKEN_STEPS });
const LABEL_AT_STEPS = arm('Label only, equal steps', 'label-only');
const WEIGHTED = arm('Answer first, heavy label', 'answer-first', { labelWeight: TRACE_TOKENS });

const compared = (
  claim: string,
  metrics: readonly MetricName[],
  better: Arm,
  against: Arm,
  expected: Comparison['expected'] = 'higher',
): Comparison[] => metrics.map((metric) => ({ claim, metric, arm: better.name, against: against.name, expected }));

const LABELS = ['accuracy', 'macroF1', 'pairAccuracy', 'tailLabels'] as const satisfies MetricName[];

export const ORDER_RECIPES: readonly Recipe[] = [
  {
    id: 'E6',
    title: 'The label first, the reasoning first, or the label alone',
    question: 'Does learning to give reasons make labels better, and is it better to give them first?',
    arms: [ANSWER_FIRST, LABEL_AT_TOKENS, REASON_FIRST, LABEL_AT_STEPS, WEIGHTED],
    // Refuted where the trace adds nothing.
    comparisons: [
      ...compared('The trace makes labels better, at equal tokens', LABELS, ANSWER_FIRST, LABEL_AT_TOKENS),
      ...compared('The trace makes labels better, at equal steps', LABELS, ANSWER_FIRST, LABEL_AT_STEPS),
      ...compared('The trace makes labels better where they weigh the same', LABELS, WEIGHTED, LABEL_AT_STEPS),
      ...compared('Reasoning first answers better than answering first', LABELS, REASON_FIRST, ANSWER_FIRST),
      ...compared('Reasoning first answers better than labels alone', LABELS, REASON_FIRST, LABEL_AT_TOKENS),
      ...compared('Reasoning first reasons better', ['tailRecall', 'strictReward'], REASON_FIRST, ANSWER_FIRST),
      ...compared('Answering first answers sooner', ['tokensToLabel'], ANSWER_FIRST, REASON_FIRST, 'lower'),
    ],
  },
];
