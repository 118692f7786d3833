/**
 * Styles that several elements share inside their shadow roots. Tokens come from theme.css by inheritance.
 */
import { css } from 'lit';

/** Box sizing, focus and reduced motion; used by every element. */
export const baseStyles = css`
  :host {
    display: block;
  }
  :host([hidden]),
  [hidden] {
    display: none;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  h1,
  h2,
  h3,
  p,
  ol,
  ul,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      transition-duration: 0s !important;
      animation-duration: 0s !important;
      animation-iteration-count: 1 !important;
    }
  }
`;

/** Buttons, and links that look like them: quiet by default, `primary` for the one main action of a view. */
export const buttonStyles = css`
  button,
  .button {
    min-height: 2.25rem;
    padding: 0 var(--space-3);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: transparent;
    color: var(--ink);
    font: inherit;
    font-size: var(--text-small);
    cursor: pointer;
    transition:
      background var(--quick),
      border-color var(--quick);
  }
  .button {
    display: inline-flex;
    align-items: center;
    text-decoration: none;
  }
  button:hover,
  .button:hover {
    border-color: var(--ink);
    background: var(--field);
  }
  .primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  .primary:hover {
    background: color-mix(in oklab, var(--accent) 86%, var(--ink));
  }
  button:disabled,
  button:disabled:hover {
    border-color: var(--line);
    background: transparent;
    color: var(--muted);
    cursor: default;
  }
`;

/** A small heading over a part of a panel. */
export const headingStyles = css`
  .heading {
    color: var(--muted);
    font-size: var(--text-small);
    font-weight: 600;
    line-height: 1.4;
  }
`;

/** Buttons and what belongs to them in a row. */
export const actionsStyles = css`
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-3);
    align-items: center;
  }
`;

/** Tables of numbers, which scroll sideways where there is no room. Each table sets its own cell spacing. */
export const tableStyles = css`
  .table {
    position: relative; /* otherwise what is hidden for the eye alone is not clipped, and widens the page */
    overflow-x: auto;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
  }
  th,
  td {
    border-bottom: 1px solid var(--line);
  }
`;

/** Small tables to read, with a caption, whose cells begin at the left. */
export const captionedTableStyles = css`
  caption {
    padding-bottom: var(--space-2);
    color: var(--muted);
    text-align: left;
  }
  th,
  td {
    padding: var(--space-1) var(--space-4) var(--space-1) 0;
    font-weight: 400;
    text-align: left;
  }
`;
