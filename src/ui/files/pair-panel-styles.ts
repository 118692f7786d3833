/** The layout of one pair of a file, in a column beside the table. */
import { css } from 'lit';

export const pairPanelStyles = css`
  :host {
    display: grid;
    gap: var(--space-5);
    align-content: start;
    padding: var(--space-4);
    overflow-y: auto;
    overscroll-behavior: contain;
  }
  .empty,
  .muted {
    color: var(--muted);
    font-size: var(--text-small);
  }
  .texts {
    display: grid;
    gap: var(--space-2);
    overflow-wrap: anywhere;
  }
  .query .heading {
    margin-right: var(--space-2);
  }
  h3:not(.heading) {
    font-size: var(--text-large);
    font-weight: 650;
    line-height: 1.3;
  }
  dl {
    display: grid;
    gap: var(--space-2);
    font-size: var(--text-small);
  }
  dl div {
    display: grid;
    grid-template-columns: minmax(4rem, 6rem) minmax(0, 1fr);
    gap: var(--space-3);
  }
  dt {
    color: var(--muted);
    overflow-wrap: anywhere;
  }
  .answer {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--space-3);
    align-items: baseline;
  }
  .answer strong {
    font-size: var(--text-query);
    font-weight: 650;
    letter-spacing: -0.015em;
  }
  .rubric {
    margin-bottom: var(--space-3);
  }
  .rubric::first-letter {
    text-transform: uppercase;
  }
  .evidence {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-1) var(--space-2);
    align-items: center;
    margin-top: var(--space-3);
  }
  .piece {
    min-height: 2rem;
    padding: 0 var(--space-2);
    font-size: var(--text-small);
  }
  .piece[aria-pressed='true'] {
    text-decoration: line-through;
  }
  .grades {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin: var(--space-2) 0;
  }
  .grades button[aria-pressed='true'],
  button[aria-pressed='true'] {
    border-color: var(--ink);
    background: var(--ink);
    color: var(--paper);
  }
  kbd {
    margin-right: var(--space-1);
    font-family: var(--mono);
    font-size: 0.9em;
  }
  lab-trace {
    display: block;
    margin-top: var(--space-3);
  }
`;
