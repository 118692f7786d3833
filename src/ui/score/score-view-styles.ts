/**
 * The layout of the Score view: pair left, answer right; stacked on narrow screens.
 */
import { css } from 'lit';

export const scoreViewStyles = css`
  .bench,
  .judging {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-4);
  }
  .panel {
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) * 2);
    background: var(--surface);
  }
  .pair,
  .reading {
    padding: var(--space-5) var(--space-4);
  }
  .origin {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-4);
    align-items: center;
    padding: var(--space-2) var(--space-2) var(--space-2) var(--space-4);
    border-left: 3px solid var(--accent);
    border-radius: 0 var(--radius) var(--radius) 0;
    background: var(--surface);
    overflow-wrap: anywhere;
  }
  .inside {
    padding: var(--space-4) var(--space-5);
  }
  .inside .purpose {
    margin-top: var(--space-2);
    color: var(--muted);
    font-size: var(--text-small);
  }
  .choice .purpose {
    flex: 1 1 24rem;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .examples {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    align-items: center;
  }
  .examples .heading {
    margin-right: var(--space-2);
  }
  .examples button {
    min-height: 2rem;
    border-color: var(--line);
    border-radius: 1rem;
    background: var(--surface);
  }
  .examples button:hover {
    border-color: var(--ink);
  }
  .examples button[aria-pressed='true'] {
    border-color: var(--ink);
    background: var(--ink);
    color: var(--paper);
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-4);
    align-items: center;
    margin-top: var(--space-5);
  }
  .unlinked {
    margin-top: var(--space-3);
    color: var(--muted);
    font-size: var(--text-small);
  }
  .unlinked:empty {
    display: none;
  }
  .controls label {
    display: inline-flex;
    gap: var(--space-2);
    align-items: center;
    color: var(--muted);
    font-size: var(--text-small);
    cursor: pointer;
  }
  .controls .primary {
    min-width: 7rem;
  }
  input[type='checkbox'] {
    width: 1.1rem;
    height: 1.1rem;
    margin: 0;
    accent-color: var(--accent);
  }
  .empty,
  .loading {
    max-width: 26rem;
    color: var(--muted);
  }
  .loading {
    display: grid;
    gap: var(--space-3);
  }
  progress {
    width: 100%;
    height: 0.375rem;
    accent-color: var(--accent);
  }
  .decoding {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-1) var(--space-3);
    align-items: center;
    margin-top: var(--space-5);
    padding-top: var(--space-3);
    border-top: 1px solid var(--line);
    color: var(--muted);
    font-size: var(--text-small);
  }
  .decoding .control {
    width: auto;
  }
  .decoding p {
    flex: 1 1 18rem;
  }
  lab-trace {
    margin-top: var(--space-5);
  }
  lab-notice + lab-trace,
  lab-answer + lab-notice {
    margin-top: var(--space-4);
  }

  @media (min-width: 56rem) {
    .bench {
      gap: var(--space-5);
    }
    /* The panel that stays in sight ends with these two, so that it covers nothing below them. */
    .judging {
      grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
      gap: var(--space-5);
      align-items: start;
    }
    .pair,
    .reading {
      padding: var(--space-5) var(--space-6) var(--space-6);
    }
    .pair {
      position: sticky;
      top: var(--space-5);
    }
    .reading {
      min-height: 26rem;
    }
  }
`;
