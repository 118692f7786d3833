/**
 * The scores of a file as one HTML page that needs nothing else: no script, no font and no network. Everything in it
 * that comes from a file is text.
 */
import { counted } from '../../common/counted.ts';
import type { Measured } from '../../relevance/metrics/label-report.ts';
import { describeQueries, describeUncounted } from '../../relevance/metrics/label-report.ts';
import type { TallyReport } from './score-tally.ts';

/** Queries and documents that are shown; the measures are of all. */
const SHOWN_QUERIES = 200;
const SHOWN_DOCUMENTS = 20;
/** Characters of a title that are shown. */
const TITLE_LENGTH = 160;

/** A scored pair in the list of its query. */
export interface ReportedPair {
  readonly docId: string;
  readonly title: string;
  readonly label: string;
  readonly score: number;
  /** As people see it; empty for none. */
  readonly grade: string;
}

export interface ScoreReport {
  readonly fileName: string;
  readonly modelName: string;
  /** Sentences about the file and the model. */
  readonly facts: readonly string[];
  /** A measure and what it is compared with. */
  readonly measures: readonly { readonly name: string; readonly value: Measured; readonly baseline?: Measured }[];
  /** The lists of queries, the best document first. */
  readonly lists: readonly { readonly query: string; readonly pairs: readonly ReportedPair[] }[];
}

/** The measures that the page and the command line show, beside what they are compared with. */
export function reportedMeasures(report: TallyReport): ScoreReport['measures'] {
  const { labels, kappa, ranking, bm25 } = report;
  const beside = (value: Measured | undefined): { readonly baseline?: Measured } =>
    value === undefined ? {} : { baseline: value };
  return [
    { name: 'Accuracy, beside the most frequent grade', value: labels.accuracy, baseline: labels.majorityAccuracy },
    { name: 'Quadratic weighted kappa', value: kappa },
    { name: 'NDCG@10, beside BM25', value: ranking.ndcg10, ...beside(bm25?.ndcg10) },
    { name: 'Pair accuracy, beside BM25', value: ranking.pairAccuracy, ...beside(bm25?.pairAccuracy) },
  ];
}

/** What should be known of the measures, a sentence each. */
export function reportedFacts(report: TallyReport | null): string[] {
  if (report === null) return ['There are no grades to compare with.'];
  const { graded, ranking } = report;
  return [
    `Measured on ${counted(graded, 'graded pair')}, with 95 % intervals over queries.`,
    ...describeUncounted(report),
    ...describeQueries(ranking.queries),
  ];
}

/** The pieces of the page. */
export function* scoreReport({ fileName, modelName, facts, measures, lists }: ScoreReport): Generator<string> {
  yield HEAD(escaped(`${fileName}, scored by ${modelName}`));
  yield `<h1>${escaped(fileName)}</h1>\n<p>Scored by ${escaped(modelName)} with AFRL Lab.</p>\n`;
  yield `<ul>${facts.map((fact) => `<li>${escaped(fact)}</li>`).join('')}</ul>\n`;
  if (measures.length > 0) {
    yield '<table><thead><tr><th>Measure</th><th>Model</th><th>Compared with</th></tr></thead><tbody>\n';
    for (const { name, value, baseline } of measures) {
      yield `<tr><td>${escaped(name)}</td><td>${shown(value)}</td><td>${baseline === undefined ? '' : shown(baseline)}</td></tr>\n`;
    }
    yield '</tbody></table>\n';
  }
  const queries = lists.slice(0, SHOWN_QUERIES);
  const rest = lists.length - queries.length;
  yield `<h2>Queries</h2>\n${rest === 0 ? '' : `<p>The first ${SHOWN_QUERIES} of ${lists.length}.</p>\n`}`;
  for (const { query, pairs } of queries) {
    yield `<details><summary>${escaped(query)} <small>${pairs.length} documents</small></summary>\n`;
    yield '<table><thead><tr><th>Rank</th><th>Document</th><th>Label</th><th>Score</th><th>Grade</th></tr></thead><tbody>\n';
    for (const [i, { docId, title, label, score, grade }] of pairs.slice(0, SHOWN_DOCUMENTS).entries()) {
      const name = title.length > TITLE_LENGTH ? `${title.slice(0, TITLE_LENGTH)}…` : title;
      yield (
        `<tr><td>${i + 1}</td><td>${escaped(name)} <small>${escaped(docId)}</small></td><td>${escaped(label)}</td>` +
        `<td>${score.toFixed(3)}</td><td>${escaped(grade)}</td></tr>\n`
      );
    }
    const hidden = pairs.length - SHOWN_DOCUMENTS;
    yield `</tbody></table>${hidden > 0 ? `<p>And ${hidden} more.</p>` : ''}</details>\n`;
  }
  yield '</main></body></html>\n';
}

function shown({ value, low, high }: Measured): string {
  if (value === null) return 'nothing to measure';
  const interval =
    low === undefined || high === undefined ? '' : ` <small>${low.toFixed(3)} to ${high.toFixed(3)}</small>`;
  return `${value.toFixed(3)}${interval}`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
}

const HEAD = (title: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>
body{font:1rem/1.5 system-ui,sans-serif;color:#1c1b19;background:#fff;margin:0}main{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}small{color:#666}
summary{cursor:pointer;padding:.3rem 0}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}th,td{border-color:#444}small{color:#aaa}}
</style></head><body><main>
`;
