/**
 * The committed results of an experiment, fetched as a separate file when they are first shown.
 */
import * as v from 'valibot';
import { type ExperimentResults, ExperimentResultsSchema } from '../../protocol/experiment-results.ts';

/** The results of E1. */
export async function loadE1(): Promise<ExperimentResults> {
  const { default: results } = await import('../../../docs/results/E1.json?extract');
  return v.parse(ExperimentResultsSchema, results);
}
