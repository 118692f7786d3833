/** A small reading of the instrument; stands in a `<dl>`. */
import { html } from 'lit';

export function reading(name: string, value: string): unknown {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
