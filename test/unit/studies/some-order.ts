/** A small run with another order of completions. */
import { parseConfig } from '../../../src/config/parse.ts';
import { type OrderExperiment, OrderExperimentSchema } from '../../../src/protocol/order-experiment.ts';
import type { CompletionOrder } from '../../../src/relevance/trace/trace.ts';

export function experimentOf(order: CompletionOrder, sft: Record<string, unknown> = {}): OrderExperiment {
  return parseConfig('The run', OrderExperimentSchema, {
    preset: 'lab-nano',
    order,
    data: { kind: 'world', trainQueries: 40, devQueries: 4, testQueries: 2 },
    devPairs: 12,
    sft: { steps: 60, batchSize: 16, warmupSteps: 6, evaluateEvery: 30, ...sft },
  });
}
