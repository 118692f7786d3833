/**
 * The base of every element of the page. An element whose update throws reports that in its place, and the rest of the
 * page is unaffected. Its previous content stays below the notice, and it is updated again at the next change or on
 * request.
 *
 * Room `ui/parts/`: elements, controllers, styles and formats that several views share. What only one view uses belongs
 * in that view's room.
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
      // For developers; the reader sees the message.
      reportError(thrown);
      this.#failure ??= this.#makeFailure();
      this.#failure.message = messageOf(thrown);
      if (!this.#failure.isConnected) this.renderRoot.prepend(this.#failure);
    }
  }

  // Built by hand instead of lit, because lit's own rendering may be half changed.
  #makeFailure(): LabPartFailure {
    const failure = document.createElement('lab-part-failure');
    failure.addEventListener('part-retry', () => this.requestUpdate());
    return failure;
  }
}
