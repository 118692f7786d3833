/** Styles of the own rules of a file. */
import { css } from 'lit';

export const fileRulesStyles = css`
  section,
  .rules,
  .draft,
  .group {
    display: grid;
    gap: var(--space-3);
    justify-items: start;
    min-width: 0;
  }
  section {
    padding-top: var(--space-4);
    border-top: 1px solid var(--line);
  }
  .rules,
  .draft,
  .group,
  lab-notice {
    width: 100%;
  }
  h4 {
    margin: 0;
  }
  p {
    max-width: 46rem;
    color: var(--muted);
    font-size: var(--text-small);
  }
  progress {
    width: min(100%, 24rem);
    height: 0.375rem;
    accent-color: var(--accent);
  }
  .table {
    max-width: 100%;
  }
  table {
    width: auto;
  }
  td {
    white-space: nowrap;
  }
  tr.now td {
    font-weight: 650;
  }
  ol {
    display: grid;
    width: 100%;
    list-style: none;
  }
  li {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: var(--space-2) var(--space-4);
    align-items: center;
    padding: var(--space-2) 0;
    border-top: 1px solid var(--line);
  }
  li > div:first-child {
    display: grid;
    gap: var(--space-1);
    overflow-wrap: anywhere;
  }
  li .sentence {
    color: var(--ink);
    font-size: var(--text-base);
  }
  label {
    white-space: nowrap;
  }
  select.control {
    width: auto;
  }
  .draft label {
    display: grid;
    justify-items: start;
    width: 100%;
  }
  textarea.control {
    width: 100%;
    min-height: 18rem;
    font-family: ui-monospace, monospace;
    font-size: var(--text-small);
    resize: vertical;
  }
  [aria-disabled='true'] {
    border-color: var(--line);
    color: var(--muted);
    cursor: default;
  }
  @media (max-width: 40rem) {
    li {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
