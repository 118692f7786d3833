/**
 * The layout of the Collapse view: controls in a line, the live view beneath, and what explains it further down.
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
  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-1) var(--space-5);
    align-items: center;
  }
  .now {
    flex: 1;
    font-variant-numeric: tabular-nums;
  }
  .step {
    font-size: var(--text-large);
    font-weight: 650;
  }
  .live {
    display: flex;
    flex-direction: column;
    gap: var(--space-2);
  }
  h2:focus {
    outline: none;
  }
  .bar button[aria-disabled='true'] {
    border-color: var(--line);
    color: var(--muted);
    cursor: default;
  }
  .bar .primary {
    color: var(--on-accent);
  }
  .honest {
    max-width: 60rem;
  }
  .about .note,
  .honest .heading + p,
  .honest p + p {
    margin-top: var(--space-2);
  }
  .honest strong {
    font-weight: 650;
  }
  @media (min-width: 60rem) {
    /* The window without the header and the margins. */
    .live {
      min-height: calc(100dvh - 6.2rem);
    }
    .live lab-live {
      flex: 1;
    }
  }
  @media (min-width: 56rem) {
    .panel {
      padding: var(--space-5) var(--space-6) var(--space-6);
    }
  }
`;
