/** Why: one group of completions and its rewards, and a toy of arms of equal pay. */
import { html, nothing } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { tokenText } from '../../collapse/completion-text.ts';
import { chosenGroup } from '../../flow/recording-facts.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import './lab-toy-arms.ts';
import { toySource, groupText, payText } from './text.ts';

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
        The toy: four ways to answer, paid with the same chance. Luck pays one above the mean of its group: it is pushed
        up and drawn more. What is not drawn gets no push. Give the rare one prompts, examples (λ) or a leash (β).
      </p>`;
  },
  figure: () => html`<lab-toy-arms></lab-toy-arms>`,
  source: ({ recording }) => toySource(recording),
};

function groupTable(recording: Recording, { step, group }: NonNullable<ReturnType<typeof chosenGroup>>): unknown {
  const name = (token = ''): string => tokenText(token, recording.rules, recording.labelNames);
  const totals = group.completions.map(({ reward }) => reward.total);
  return html`<table class="group">
    <caption>
      ${groupText(step, totals)} “${group.pair.query}”, rightly ${name(group.goldTokens[0])} by
      ${named(name(group.goldTokens[1]), group.isTail)}${group.isTail ? ' (italic: rare)' : ''}. ${payText(recording)}
    </caption>
    <thead>
      <tr>
        <th scope="col">Label</th>
        <th scope="col">Rule cited</th>
        <th scope="col" class="paid">Paid</th>
        <th scope="col">Learned</th>
      </tr>
    </thead>
    <tbody>
      ${group.completions.map(({ reward, advantages, tokens }) => {
        // The label comes first, then the rule.
        const push = advantages[1] ?? advantages[0] ?? 0;
        return html`<tr>
          <td>${name(tokens[0])}</td>
          <td>
            ${reward.steps.length === 0 ? 'no rule' : nothing}${reward.steps.map(({ rule }, i) => {
              const { id = `rule ${rule}`, isTail = false } = recording.rules[rule] ?? {};
              return html`${i === 0 ? nothing : ', '}${named(id, isTail)}`;
            })}
          </td>
          <td class="paid">${reward.total.toFixed(2)}</td>
          <td class="push ${push > 0 ? 'up' : 'down'}">
            ${Math.abs(push) < 0.005 ? 'no change' : push > 0 ? '▲ more of it' : '▼ less of it'}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

/** A rule by its name, in italics where it is rare. */
function named(id: string, isRare: boolean): unknown {
  return isRare ? html`<i>${id}</i>` : id;
}
