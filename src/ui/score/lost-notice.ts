/** A notice that a model lost its GPU, and the outcome; nothing for a model that did not. */
import { html, nothing } from 'lit';
import { failureHeading } from '../parts/failure-text.ts';
import { backendName } from '../parts/format.ts';
import '../parts/lab-notice.ts';
import type { ModelState } from './model-controller.ts';

export function lostNotice(model: ModelState): unknown {
  if (model.kind === 'failed' || model.lost === undefined) return nothing;
  const { code, message } = model.lost;
  return html`<lab-notice heading=${failureHeading({ code, message })}>
    ${message}
    ${
      model.kind === 'loading'
        ? 'The model is being loaded again.'
        : `The model was loaded again and answers on ${backendName(model.summary.backend)}.`
    }
  </lab-notice>`;
}
