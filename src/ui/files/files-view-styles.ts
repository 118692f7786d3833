/** The frame of the Files view. */
import { css } from 'lit';

export const filesViewStyles = css`
  .view {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-4);
    border-radius: calc(var(--radius) * 2);
  }
  .over {
    outline: 2px dashed var(--accent);
    outline-offset: var(--space-2);
  }
  header {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-5);
    align-items: center;
    justify-content: space-between;
  }
  h2 {
    font-size: var(--text-query);
    font-weight: 650;
    letter-spacing: -0.015em;
    line-height: 1.25;
    overflow-wrap: anywhere;
  }
  .ways,
  .exports,
  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-3);
    align-items: center;
  }
  .muted {
    color: var(--muted);
    font-size: var(--text-small);
  }
  .count {
    font-variant-numeric: tabular-nums;
  }
  .note {
    flex: 1 1 100%;
  }
  .exports label {
    display: inline-flex;
    gap: var(--space-2);
    align-items: center;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .exports .control {
    width: 12rem;
    font-size: var(--text-small);
  }
  .judge {
    display: inline-flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    align-items: center;
    margin-left: auto;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .judge .control {
    width: 9rem;
    font-size: var(--text-small);
  }
  .reading {
    display: grid;
    gap: var(--space-3);
    max-width: 26rem;
    color: var(--muted);
  }
  progress {
    width: 14rem;
    max-width: 100%;
    height: 0.375rem;
    accent-color: var(--accent);
  }
`;
