/**
 * The run that one click starts: short enough to finish over a cup of tea without a GPU, long enough to show that the
 * model has learned something.
 */
import * as v from 'valibot';
import { type SftExperiment, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';

export const FIRST_RUN: SftExperiment = v.parse(SftExperimentSchema, {
  name: 'first-model',
  preset: 'lab-nano',
  data: { kind: 'world', trainQueries: 3000 },
  prompt: { folding: CURRENT_FOLDING },
  devPairs: 200,
  sft: { steps: 500, batchSize: 32, warmupSteps: 50, evaluateEvery: 100, checkpointEvery: 50, logEvery: 5 },
} satisfies v.InferInput<typeof SftExperimentSchema>);
