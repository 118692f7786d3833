/**
 * The Train view before a run without a plan: an introduction to students, a prompt to choose a file, and a warning
 * that a checkpoint would not learn from the chosen file.
 */
import { html } from 'lit';
import '../parts/lab-notice.ts';

/** Before teaching a student. @param teach - starts it */
export function beforeTeaching(isValid: boolean, teach: () => void): unknown {
  return html`<section aria-label="Before it starts">
    <h2 class="heading">Before it starts</h2>
    <p class="empty">
      A small model learns from a larger one faster than it would from the expert. Its checkpoints can answer in the
      Score view, be resumed here, and be exported.
    </p>
    <p class="actions"><button class="primary" ?disabled=${!isValid} @click=${teach}>Teach a student</button></p>
  </section>`;
}

/** Before a file is chosen. */
export function beforeChoosing(): unknown {
  return html`<section aria-label="Before it starts">
    <h2 class="heading">Before it starts</h2>
    <p class="empty">
      Choose a file of pairs that people have judged. The model learns their labels, and also reasons if you choose your
      own rules.
    </p>
  </section>`;
}

/** Before resuming a checkpoint while another file is chosen than its own. */
export function beforeTrainingOn(fileName: string, goOn: () => void, keep: () => void): unknown {
  return html`<lab-notice class="other-file" heading="This checkpoint continues with its own data">
    It would not learn from the chosen ${fileName}. Start a new run to learn from that file.
    <span slot="action" class="actions">
      <button @click=${goOn}>Resume with its own data</button>
      <button @click=${keep}>Keep the chosen file</button>
    </span>
  </lab-notice>`;
}
