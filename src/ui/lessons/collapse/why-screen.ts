/** Why: one group of completions and its rewards, and a toy of arms of equal pay. */
import { html, nothing } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { tokenText } from '../../collapse/completion-text.ts';
import { chosenGroup } from '../../flow/recording-facts.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import './lab-toy-arms.ts';
import { groupText } from './text.ts';

export const WHY: LessonScreen<CollapseMaterial> = {
  title: 'Why: chance is learned',
  notes:
    'The table is one group: the same prompt, several completions, each pushed by how it did against the others. Then the toy: ' +
    'no arm is better than another, and still arms are lost. Let somebody move a slider and say first what will happen.',
  prose: ({ recording }) => {
    const chosen = chosenGroup(recording);
    return html`<p class="lead">
        A completion is paid for how much better it did than the others of its group. What was not drawn is not in the
        group, so nothing can bring it back.
      </p>
      ${chosen === undefined ? nothing : groupTable(recording, chosen)}
      <p class="more">
        The toy: four ways to answer, none better than another. Give the rare one prompts of its own, examples (λ) or a
        leash (β), and see what is kept.
      </p>`;
  },
  figure: () => html`<lab-toy-arms></lab-toy-arms>`,
};

function groupTable(recording: Recording, { step, group }: NonNullable<ReturnType<typeof chosenGroup>>): unknown {
  const totals = group.completions.map(({ reward }) => reward.total);
  return html`<table class="group">
    <caption>
      ${groupText(step, totals)} Query: “${group.pair.query}”.
    </caption>
    <tbody>
      ${group.completions.map(({ reward, advantages, tokens }) => {
        const label = tokenText(tokens[0] ?? '', recording.rules, recording.labelNames);
        const cited = reward.steps.map(({ rule }) => recording.rules[rule]?.id ?? `rule ${rule}`).join(', ');
        // The label comes first, then the rule.
        const push = advantages[1] ?? advantages[0] ?? 0;
        return html`<tr>
          <td>${label}</td>
          <td><i>${cited === '' ? 'no rule' : cited}</i></td>
          <td class="paid">${reward.total.toFixed(2)}</td>
          <td class="push ${push > 0 ? 'up' : 'down'}">
            ${Math.abs(push) < 0.005 ? 'no change' : push > 0 ? '▲ more of it' : '▼ less of it'}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}
