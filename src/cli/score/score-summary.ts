/**
 * Prints the summary of `lab score`.
 */
import { counted } from '../../common/counted.ts';
import { describeAbstention } from '../../relevance/metrics/calibration.ts';
import { describeJudges } from '../../relevance/metrics/judges.ts';
import { describeQueries, describeUncounted } from '../../relevance/metrics/label-report.ts';
import type { Summary } from '../../runs/score/score-tally.ts';
import { print } from '../terminal.ts';

/** What another order does on the same pairs. */
function alone(name: string, order: Summary['bm25']): [string, number | null][] {
  if (order === null) return [];
  return [
    [`NDCG@10 of ${name} alone`, order.ndcg10],
    [`pair accuracy of ${name} alone`, order.pairAccuracy],
  ];
}

/** Prints a summary for people. */
export function printSummary(summary: Summary): void {
  const { pairs, skipped, graded, queries, labelMapping, rankedQueries } = summary;
  const of = counted(queries, 'query', 'queries');
  print(`${counted(pairs, 'pair')} of ${of} scored, ${counted(skipped, 'row')} left out.`);
  print(describeTrainedOn(summary));
  for (const line of describeUncounted(summary)) print(line);
  if (graded === 0) return;
  print(`Against ${counted(graded, 'grade')}:`);
  const rows: [string, number | null][] = [
    ['accuracy', summary.accuracy],
    ['  always the most frequent label', summary.majorityAccuracy],
    ['macro-F1', summary.macroF1],
    ['quadratic weighted kappa', summary.quadraticWeightedKappa],
    ['NDCG@10', summary.ndcg10],
    ['pair accuracy', summary.pairAccuracy],
    ['expected calibration error', summary.expectedCalibrationError],
    ...alone('BM25', summary.bm25),
    ...alone('its vectors', summary.vectors),
  ];
  for (const [name, value] of rows)
    print(`  ${name.padEnd(36)}${value === null ? 'nothing to measure' : value.toFixed(3)}`);
  if (rankedQueries !== null) for (const line of describeQueries(rankedQueries)) print(`  ${line}`);
  const { abstention, judges, accuracy } = summary;
  if (abstention !== null) {
    print(`  ${describeAbstention(abstention, { graded, right: Math.round((accuracy ?? 0) * graded) })}`);
  }
  if (judges !== null) for (const line of describeJudges(judges)) print(`  ${line}`);
  if (labelMapping.some((to, from) => to !== from)) {
    print(`  Labels of the model count as: ${labelMapping.map((to, from) => `${from} -> ${to}`).join(', ')}.`);
  }
}

function describeTrainedOn({ model, trainedOn, queries }: Summary): string {
  if (trainedOn === null) return `It is not recorded on which queries ${model} learned.`;
  const { queries: seen, known } = trainedOn;
  if (seen === 0) return `${model} was trained on none of these queries.`;
  const share = ((100 * seen) / known).toFixed(0);
  const sample = known < queries ? ` (of ${known.toLocaleString('en')} that can be checked)` : '';
  return `${model} was trained on ${share} % of these queries${sample}: on others it may do worse.`;
}
