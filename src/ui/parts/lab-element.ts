/**
 * What every element of the page extends: an element whose update throws says so where it is, and nothing else of the page
 * is lost. What it showed before stays beneath the notice, and it is updated again at the next change or on request.
 */
import { LitElement } from 'lit';
import { messageOf } from '../../common/errors.ts';
import './lab-part-failure.ts';
import type { LabPartFailure } from './lab-part-failure.ts';

export class LabElement extends LitElement {
  #failure: LabPartFailure | undefined;

  protected override performUpdate(): void {
    try {
      super.performUpdate();
      this.#failure?.remove();
      this.#failure = undefined;
    } catch (thrown) {
      // For whoever looks for the place; the reader sees the message.
      reportError(thrown);
      this.#failure ??= this.#makeFailure();
      this.#failure.message = messageOf(thrown);
      if (!this.#failure.isConnected) this.renderRoot.prepend(this.#failure);
    }
  }

  // By hand and not by lit: what lit has drawn may be half changed.
  #makeFailure(): LabPartFailure {
    const failure = document.createElement('lab-part-failure');
    failure.addEventListener('part-retry', () => this.requestUpdate());
    return failure;
  }
}
