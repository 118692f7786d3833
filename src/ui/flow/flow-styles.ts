import { css } from 'lit';

/** The looks of `lab-flow`. */
export const flowStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    gap: var(--space-2);
    min-height: 20rem;
  }
  .plot {
    position: relative;
    flex: 1;
    min-height: 12rem;
    border-radius: var(--radius);
    cursor: default;
  }
  .plot > svg {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    overflow: visible;
  }
  .ribbon {
    fill: none;
    stroke: currentcolor;
    opacity: 0.34;
  }
  .ribbon.kept {
    opacity: 0.16;
  }
  .dot {
    fill: currentcolor;
    stroke: none;
  }
  .dot.wrong {
    fill: var(--paper);
    stroke: var(--wrong);
    stroke-width: 1.3px;
  }
  .ring {
    fill: none;
    stroke: currentcolor;
    stroke-width: 1.4px;
  }
  .name {
    fill: currentcolor;
    font-family: var(--font);
  }
  .name.rare {
    font-style: italic;
  }
  .name.dead {
    fill: var(--muted);
    text-decoration: line-through;
  }
  .aside {
    opacity: 0.13;
  }
  .ribbon.aside {
    opacity: 0.05;
  }
  .controls {
    display: flex;
    gap: var(--space-3);
    align-items: center;
  }
  .play {
    min-width: 4.5rem;
  }
  input[type='range'] {
    flex: 1;
    min-width: 5rem;
    accent-color: var(--accent);
  }
  output {
    color: var(--muted);
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
  }
  .caption {
    min-height: 3.2em;
    color: var(--muted);
    font-size: var(--text-small);
    line-height: 1.5;
  }
  .caption strong {
    color: var(--ink);
  }
  .multiples {
    display: grid;
    grid-template-columns: repeat(4, minmax(0, 1fr));
    gap: var(--space-2);
  }
  .multiples button {
    display: block;
    padding: var(--space-1);
    border-color: var(--line);
    text-align: left;
  }
  .multiples button[aria-pressed='true'] {
    border-color: var(--ink);
  }
  .multiples svg {
    display: block;
    width: 100%;
    height: clamp(4rem, 13dvh, 9rem);
  }
  @media print {
    .controls,
    .multiples,
    .caption {
      display: none;
    }
  }
  @media (max-width: 40rem) {
    .controls {
      flex-wrap: wrap;
    }
    output {
      width: 100%;
    }
    .multiples {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
  }
`;
