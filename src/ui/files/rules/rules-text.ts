/** What is said of the own rules of a file. */
import { html, nothing } from 'lit';
import { counted } from '../../../common/counted.ts';
import type { Finding, RuleLine, RulesProgress, ShownRules } from '../../../protocol/file-rules.ts';
import { formatCount, formatPercent } from '../../parts/format.ts';

/** What rules of each criterion look at. */
const GROUPS: Readonly<Record<string, string>> = {
  type: 'Kind of product',
  brand: 'Brand',
  attribute: 'Properties',
  quantity: 'Numbers and sizes',
  negation: 'What the query excludes',
  accessory: 'Accessories',
  audience: 'For whom it is',
  overall: 'The document as a whole',
};

/** What the rules of a criterion look at. */
export function groupName(criterion: string): string {
  return GROUPS[criterion] ?? criterion;
}

/** What was measured on the queries that the search has not seen. */
export function findingTable(
  { edited }: ShownRules,
  { propose, accept, report, before, after, majority }: Finding,
): unknown {
  const row = (name: string, right: number, pairs = report.pairs, isNow = false): unknown =>
    html`<tr class=${isNow ? 'now' : ''}>
      <th scope="row">${name}</th>
      <td>${formatCount(right)} of ${formatCount(pairs)}</td>
      <td>${pairs === 0 ? '' : formatPercent(right / pairs)}</td>
    </tr>`;
  return html`<div class="table" role="group" aria-label="Rules on test queries" tabindex="0">
      <table>
        <caption>
          Right labels on ${counted(report.pairs, 'pair')} of ${counted(report.queries, 'test query', 'test queries')}
        </caption>
        <tbody>
          ${row('The most frequent grade for every pair', majority)}
          ${row('The rules that the search began with', before)}
          ${row('The rules found', after, report.pairs, edited === null)}
          ${edited === null ? nothing : row('The rules with your changes', edited.right, edited.pairs, true)}
        </tbody>
      </table>
    </div>
    <p>
      Rules were proposed on ${counted(propose.pairs, 'pair')} of ${counted(propose.queries, 'query', 'queries')} and
      accepted on ${counted(accept.pairs, 'pair')} of ${counted(accept.queries, 'other query', 'other queries')}. The
      search has not read the test queries.
      ${edited === null ? nothing : 'Your changes may have been made with their grades in view, so only new queries test them fairly.'}
    </p>`;
}

/** How far the search for rules is. */
export function progressText(progress: RulesProgress | null): string {
  if (progress === null) return 'Reading the graded pairs';
  const { propose, accept, report, round } = progress;
  if (round === null) {
    return (
      `${formatCount(propose.pairs)} pairs to propose rules on, ${formatCount(accept.pairs)} to accept them by and ` +
      `${formatCount(report.pairs)} to test them on at the end`
    );
  }
  return (
    `Round ${round.round + 1}: ${counted(round.rules, 'rule')}, right on ${formatPercent(round.propose)} of the pairs to propose on ` +
    `and ${formatPercent(round.accept)} of those to accept by; ${round.kept} of ${counted(round.tried, 'proposal')} accepted`
  );
}

/** Rules in a sentence. */
export function describeRules({ lines, measured, read }: ShownRules): string {
  const origin =
    read === null
      ? ''
      : ` from ${read.name}${read.isLexiconInduced ? ', with the words of the documents of this file because no lexicon.json was chosen' : ''}`;
  if (measured === null) return `${counted(lines.length, 'rule')}${origin}.`;
  const { pairs, right, undecided } = measured;
  const left = undecided === 0 ? '' : `; no rule applies to ${formatCount(undecided)}`;
  return `${counted(lines.length, 'rule')}${origin}: right on ${formatCount(right)} of all ${counted(pairs, 'graded pair')}${left}.`;
}

/** What a rule decides. */
export function countsText({ decides, wrong }: NonNullable<RuleLine['measured']>): string {
  if (decides === 0) return 'Decides no graded pair';
  return `Decides ${counted(decides, 'graded pair')}, ${wrong === 0 ? 'none' : formatCount(wrong)} of them wrongly`;
}
