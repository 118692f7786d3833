/**
 * The main readout: one figure in the largest type of the page with its context beside it, and small readings in a row
 * below.
 */
import { css } from 'lit';
import { actionsStyles } from './shared-styles.ts';

export const readoutStyles = css`
  .readout {
    display: flex;
    flex-wrap: wrap;
    gap: 0 var(--space-4);
    align-items: baseline;
    min-height: calc(var(--text-answer) * 1.15);
  }
  .figure {
    font-size: var(--text-answer);
    font-variant-numeric: tabular-nums;
    font-weight: 650;
    letter-spacing: -0.025em;
    line-height: 1.1;
  }
  .beside {
    color: var(--muted);
    font-size: var(--text-large);
    font-variant-numeric: tabular-nums;
  }
  .stale {
    opacity: 0.45;
    transition: opacity var(--quick) 80ms;
  }
  .readings {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr));
    gap: var(--space-3) var(--space-4);
    padding-top: var(--space-3);
    border-top: 1px solid var(--line);
  }
  dt {
    color: var(--muted);
    font-size: var(--text-small);
  }
  dd {
    font-variant-numeric: tabular-nums;
  }
  .note {
    color: var(--muted);
    font-size: var(--text-small);
  }
  ${actionsStyles}
  progress {
    display: block;
    width: 100%;
    height: 0.375rem;
    accent-color: var(--accent);
  }
`;
