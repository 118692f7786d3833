/**
 * The layout of the Collapse view: controls on top, curves in a row, branches side by side; stacked on narrow screens.
 */
import { css } from 'lit';

export const collapseViewStyles = css`
  .bench {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-5);
  }
  .panel {
    min-width: 0;
    padding: var(--space-5) var(--space-4);
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) * 2);
    background: var(--surface);
  }
  .head {
    display: grid;
    gap: var(--space-3);
  }
  .charts {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
    gap: var(--space-5);
  }
  .branches {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
    gap: var(--space-4);
    align-items: start;
  }
  .honest {
    max-width: 60rem;
  }
  .charts + .note,
  .honest .heading + p,
  .honest p + p {
    margin-top: var(--space-2);
  }
  .honest strong {
    font-weight: 650;
  }
  @media (min-width: 56rem) {
    .panel {
      padding: var(--space-5) var(--space-6) var(--space-6);
    }
    .actions .end {
      margin-left: auto;
    }
  }
`;
