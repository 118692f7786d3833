/** A failure where it happened: what it was as a heading, and its own words beneath; nothing without one. */
import { html, nothing } from 'lit';
import type { Failure } from '../../protocol/failure.ts';
import { failureHeading } from './failure-text.ts';
import './lab-notice.ts';

export function failureNotice(failure: Failure | undefined): unknown {
  if (failure === undefined) return nothing;
  return html`<lab-notice kind="failure" heading=${failureHeading(failure)}>${failure.message}</lab-notice>`;
}
