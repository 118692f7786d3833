/** What is said above the list of runs: that it is empty, its queue, and what was deleted or imported. */
import { html, nothing } from 'lit';
import type { RunRow, RunsImported } from '../../protocol/runs.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { formatCount } from '../parts/format.ts';
import '../parts/lab-notice.ts';
import type { QueueController } from './queue-controller.ts';

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

export const EMPTY = html`<p class="empty">
  There is no run here yet. Every run of the <a href="#/train">Train</a> and <a href="#/collapse">Collapse</a> views is
  listed here from its first step on, with its settings and curves. Records of other browsers and zipped run folders of
  the command line can be imported. An experiment of the lab can be queued above.
</p>`;

/** The queue, where there is one. */
export function queuePanel(queue: QueueController, all: readonly RunRow[]): unknown {
  const { phase, run, step, steps, failure } = queue.state;
  const waiting = all.filter(({ queuedAt }) => queuedAt !== null).length;
  const isRunning = phase === 'running' || phase === 'stopping';
  if (waiting === 0 && !isRunning && failure === undefined) return nothing;
  const left = `${formatCount(waiting)} ${waiting === 1 ? 'run is' : 'runs are'} in the queue`;
  return html`<div class="panel bar" role="group" aria-label="Queue">
    <span role="status"
      >${left}${run !== undefined && isRunning ? `: ${run.name}, seed ${run.seed}, step ${formatCount(step)} of ${formatCount(steps)}` : ''}.</span
    >
    ${
      isRunning
        ? html`<button ?disabled=${phase === 'stopping'} @click=${() => queue.stop()}>
            ${phase === 'stopping' ? 'Stopping' : 'Pause the queue'}
          </button>`
        : waiting === 0
          ? nothing
          : html`<button class="primary" @click=${() => queue.start()}>Run the queue</button>`
    }
    ${phase === 'busy' ? html`<span class="muted">Another tab makes these runs.</span>` : nothing}
    ${failureNotice(failure)}
  </div>`;
}
