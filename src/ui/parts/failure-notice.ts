/** A failure as a notice, with a heading by its code and its own message below; nothing without a failure. */
import { html, nothing } from 'lit';
import type { Failure } from '../../protocol/failure.ts';
import { failureHeading } from './failure-text.ts';
import './lab-notice.ts';

export function failureNotice(failure: Failure | undefined): unknown {
  if (failure === undefined) return nothing;
  return html`<lab-notice kind="failure" heading=${failureHeading(failure)}>${failure.message}</lab-notice>`;
}
