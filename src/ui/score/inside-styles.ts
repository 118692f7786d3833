/** How the inside of a model looks: words and cells that are darker the more there is of them. */
import { css } from 'lit';

export const insideStyles = css`
  .parts {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-5);
    margin-top: var(--space-3);
  }
  .stale {
    opacity: 0.45;
  }
  h3 {
    font-size: var(--text-base);
    font-weight: 600;
  }
  .muted {
    max-width: 44rem;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-4);
    margin-top: var(--space-2);
    font-size: var(--text-small);
  }
  .choices .control {
    width: auto;
  }
  .heat {
    margin-top: var(--space-3);
    overflow-wrap: anywhere;
  }
  dl.heat {
    display: grid;
    grid-template-columns: minmax(5rem, 9rem) minmax(0, 1fr);
    gap: var(--space-1) var(--space-4);
  }
  .heat dt {
    color: var(--muted);
    font-size: var(--text-small);
    line-height: 1.85;
  }
  .heat span,
  .bar {
    background: color-mix(in oklab, var(--accent) calc(var(--heat) * 38%), transparent);
  }
  .heat span {
    display: inline-block;
    padding: 0 0.3em;
    border-radius: 0.2em;
    line-height: 1.7;
  }
  .written {
    font-size: var(--text-small);
  }
  th,
  td {
    padding: var(--space-1) var(--space-4) var(--space-1) var(--space-2);
    text-align: left;
    white-space: nowrap;
  }
  thead th {
    color: var(--muted);
  }
  tbody th {
    font-weight: 400;
  }
  details {
    margin-top: var(--space-2);
    font-size: var(--text-small);
  }
  summary {
    cursor: pointer;
  }
  @media (max-width: 30rem) {
    dl.heat {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
  }
`;
