/** The layout of the results: three panes side by side, two on narrower screens, and one column on a phone. */
import { css } from 'lit';

export const fileResultsStyles = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-4);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-3);
    align-items: center;
  }
  .tools .search {
    flex: 1 1 12rem;
    width: auto;
    max-width: 22rem;
    font-size: var(--text-small);
  }
  .tools .many {
    width: 5.5rem;
    font-size: var(--text-small);
  }
  .tools button[aria-pressed='true'] {
    border-color: var(--ink);
    background: var(--ink);
    color: var(--paper);
  }
  kbd {
    font-family: var(--mono);
  }
  .count {
    margin-left: auto;
    color: var(--muted);
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
  }
  .panes {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) * 2);
    background: var(--surface);
    overflow: hidden;
  }
  lab-query-list {
    height: 15rem;
    border-bottom: 1px solid var(--line);
  }
  lab-pair-table {
    max-height: 22rem;
    border-bottom: 1px solid var(--line);
  }

  @media (min-width: 52rem) {
    .panes {
      grid-template-columns: minmax(11rem, 15rem) minmax(0, 1fr);
    }
    lab-query-list,
    lab-pair-table {
      height: 26rem;
      max-height: none;
    }
    lab-query-list {
      border-right: 1px solid var(--line);
    }
    lab-pair-panel {
      grid-column: 1 / -1;
    }
  }
  @media (min-width: 76rem) {
    .panes {
      grid-template-columns: minmax(11rem, 15rem) minmax(0, 1fr) minmax(18rem, 23rem);
      height: max(32rem, calc(100dvh - 12rem));
    }
    .pane {
      height: 100%;
      min-height: 0;
      border-bottom: 0;
    }
    lab-pair-table {
      border-right: 1px solid var(--line);
    }
    lab-pair-panel {
      grid-column: auto;
    }
  }
`;
