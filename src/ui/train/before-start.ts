/**
 * What the training view says before a run, where there is no plan to show: what a student is, that a file is still to be
 * chosen, and that a checkpoint would not learn from the file that is chosen.
 */
import { html } from 'lit';
import '../parts/lab-notice.ts';

/** Before a student is taught. @param teach - begins */
export function beforeTeaching(isValid: boolean, teach: () => void): unknown {
  return html`<section aria-label="Before it starts">
    <h2 class="heading">Before it starts</h2>
    <p class="empty">
      A small model learns from a larger one what it would take longer to learn from the expert. Its checkpoints answer
      in the Score view, go on here, and can be exported.
    </p>
    <p class="actions"><button class="primary" ?disabled=${!isValid} @click=${teach}>Teach a student</button></p>
  </section>`;
}

/** Before a file is chosen. */
export function beforeChoosing(): unknown {
  return html`<section aria-label="Before it starts">
    <h2 class="heading">Before it starts</h2>
    <p class="empty">
      Choose a file of pairs that people have judged. The model learns their labels, and reasons where you choose rules
      of your own beside it.
    </p>
  </section>`;
}

/** Before a checkpoint is trained on while another file is chosen than it learns from. */
export function beforeTrainingOn(fileName: string, goOn: () => void, keep: () => void): unknown {
  return html`<lab-notice class="other-file" heading="This checkpoint goes on with the data that it began with">
    It would not learn from ${fileName} as you have chosen it. Start a new run to learn from that file.
    <span slot="action" class="actions">
      <button @click=${goOn}>Train on with its own data</button>
      <button @click=${keep}>Keep the chosen file</button>
    </span>
  </lab-notice>`;
}
