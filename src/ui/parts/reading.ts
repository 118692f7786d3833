/** A small labelled value, for use in a `<dl>`. */
import { html } from 'lit';

export function reading(name: string, value: string): unknown {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
