/** What was deleted or imported, as notices. */
import { html, nothing } from 'lit';
import type { RunsImported } from '../../protocol/runs.ts';
import { formatCount } from '../parts/format.ts';
import '../parts/lab-notice.ts';

/** Names of imported runs in the notice. */
const SHOWN_NAMES = 5;

export function removedNotice(count: number, undo: () => unknown): unknown {
  const [runs, them] = count === 1 ? ['run', 'it'] : ['runs', 'them'];
  return html`<lab-notice heading=${`${formatCount(count)} ${runs} deleted`}>
    Checkpoints of ${them} are kept in the Train view.
    <button slot="action" @click=${undo}>Undo</button>
  </lab-notice>`;
}

export function importedNotice({ added, known, problems }: RunsImported): unknown {
  const names = added.slice(0, SHOWN_NAMES).join(', ');
  return html`<lab-notice heading=${`${formatCount(added.length)} imported`}>
    ${added.length === 0 ? nothing : `${names}${added.length > SHOWN_NAMES ? ' and others.' : '.'}`}
    ${known > 0 ? `${formatCount(known)} were here already.` : nothing}
    ${problems.map((problem) => html`<br />${problem}`)}
  </lab-notice>`;
}
