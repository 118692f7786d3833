/**
 * Prints the summary of `lab score`.
 */
import { describeQueries } from '../../relevance/metrics/label-report.ts';
import type { Summary } from '../../runs/score-tally.ts';
import { print } from '../terminal.ts';

/** Prints a summary for people. */
export function printSummary(summary: Summary): void {
  const { pairs, skipped, graded, repeated, conflicting, cut, queries, labelMapping, rankedQueries } = summary;
  const count = (value: number): string => value.toLocaleString('en');
  print(`${count(pairs)} pairs of ${count(queries)} queries scored, ${count(skipped)} rows left out.`);
  if (cut > 0) print(`${count(cut)} documents were cut to fit the model.`);
  print(describeTrainedOn(summary));
  if (repeated > 0) print(`${count(repeated)} rows repeat a graded pair, which counts once.`);
  if (conflicting > 0) print(`${count(conflicting)} pairs have several different grades and are not compared.`);
  if (graded === 0) return;
  print(`Against ${count(graded)} grades:`);
  const rows: [string, number | null][] = [
    ['accuracy', summary.accuracy],
    ['  always the most frequent label', summary.majorityAccuracy],
    ['macro-F1', summary.macroF1],
    ['quadratic weighted kappa', summary.quadraticWeightedKappa],
    ['NDCG@10', summary.ndcg10],
    ['pair accuracy', summary.pairAccuracy],
    ['expected calibration error', summary.expectedCalibrationError],
    ...(summary.bm25 === null
      ? []
      : ([
          ['NDCG@10 of BM25 by itself', summary.bm25.ndcg10],
          ['pair accuracy of BM25 by itself', summary.bm25.pairAccuracy],
        ] satisfies [string, number | null][])),
  ];
  for (const [name, value] of rows)
    print(`  ${name.padEnd(36)}${value === null ? 'nothing to measure' : value.toFixed(3)}`);
  if (rankedQueries !== null) for (const line of describeQueries(rankedQueries)) print(`  ${line}`);
  if (labelMapping.some((to, from) => to !== from)) {
    print(`  Labels of the model count as: ${labelMapping.map((to, from) => `${from} -> ${to}`).join(', ')}.`);
  }
}

function describeTrainedOn({ model, trainedOn, queries }: Summary): string {
  if (trainedOn === null) return `${model} does not record which queries it was trained on.`;
  const { queries: seen, known } = trainedOn;
  if (seen === 0) return `${model} was trained on none of these queries.`;
  const share = ((100 * seen) / known).toFixed(0);
  const sample = known < queries ? ` (of ${known.toLocaleString('en')} that can be checked)` : '';
  return `${model} was trained on ${share} % of these queries${sample}: on others it may do worse.`;
}
