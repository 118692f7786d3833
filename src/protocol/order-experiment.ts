/**
 * A supervised run whose completions have another order than the lab's own, for comparison (E6). Models of such runs
 * are measured and discarded, because every model of the lab answers first.
 */
import * as v from 'valibot';
import { setting } from '../config/settings.ts';
import { COMPLETION_ORDERS } from '../relevance/trace/trace.ts';
import { SftExperimentSchema } from './sft-experiment.ts';

/** The settings of such a run on a rule world. */
export const OrderExperimentSchema = v.strictObject({
  ...SftExperimentSchema.entries,
  order: setting(v.picklist(COMPLETION_ORDERS), 'answer-first', 'Order', 'Of label and reasoning in a completion.', {
    group: 'Data',
  }),
});
export type OrderExperiment = v.InferOutput<typeof OrderExperimentSchema>;
export type OrderExperimentInput = v.InferInput<typeof OrderExperimentSchema>;
