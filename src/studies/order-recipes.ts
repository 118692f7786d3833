/**
 * The recipe of the experiment on the order of completions: the label first, the reasoning first, or the label alone,
 * in short runs of the smallest preset. Pairs without a trace have fewer tokens, so the label alone runs twice: at
 * equal steps, and at equal tokens.
 *
 * The loss is a mean over completion tokens, so the label has a fifteenth of it where there is a trace, and half of it
 * where there is none. An arm with the label weight raised to match separates this effect from that of the trace.
 */
import type { MetricName } from '../protocol/experiment-results.ts';
import type { CompletionOrder } from '../relevance/trace/trace.ts';
import { type Arm, claim, type OrderSettings, type Recipe } from './recipes.ts';

const STEPS = 500;
/** Enough that no pair is repeated. */
const TRAIN_QUERIES = 4000;
/**
 * Input tokens of a pair with the expert's completion, and with the label alone; a test compares them with the world.
 */
export const TOKENS_PER_PAIR = { 'answer-first': 79.8, 'label-only': 65.9 } as const;
const EQUAL_TOKEN_STEPS = Math.round((STEPS * TOKENS_PER_PAIR['answer-first']) / TOKENS_PER_PAIR['label-only']);
/** The approximate number of completion tokens besides the label; with this weight the label has half of the loss. */
const TRACE_TOKENS = 15;
/** About a fifth of these cite a tail rule. */
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

const LABELS = ['accuracy', 'macroF1', 'pairAccuracy', 'tailLabels'] as const satisfies MetricName[];

export const ORDER_RECIPES: readonly Recipe[] = [
  {
    id: 'E6',
    title: 'The label first, the reasoning first, or the label alone',
    question: 'Does learning to give reasons make labels better, and is it better to give them first?',
    arms: [ANSWER_FIRST, LABEL_AT_TOKENS, REASON_FIRST, LABEL_AT_STEPS, WEIGHTED],
    // Refuted where the trace does not help.
    comparisons: [
      ...claim(LABELS, 'The trace makes labels better, at equal tokens', ANSWER_FIRST, LABEL_AT_TOKENS),
      ...claim(LABELS, 'The trace makes labels better, at equal steps', ANSWER_FIRST, LABEL_AT_STEPS),
      ...claim(LABELS, 'The trace makes labels better where they weigh the same', WEIGHTED, LABEL_AT_STEPS),
      ...claim(LABELS, 'Reasoning first answers better than answering first', REASON_FIRST, ANSWER_FIRST),
      ...claim(LABELS, 'Reasoning first answers better than labels alone', REASON_FIRST, LABEL_AT_TOKENS),
      ...claim(['tailRecall', 'strictReward'], 'Reasoning first reasons better', REASON_FIRST, ANSWER_FIRST),
      ...claim(['tokensToLabel'], 'Answering first answers sooner', ANSWER_FIRST, REASON_FIRST, 'lower'),
    ],
  },
];
