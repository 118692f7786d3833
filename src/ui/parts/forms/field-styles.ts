/**
 * Native controls in the style of lab-field: a plain background with a line below that grows on focus.
 */
import { css } from 'lit';

export const fieldStyles = css`
  .control {
    display: block;
    width: 100%;
    min-width: 0;
    min-height: 2.1rem;
    margin: 0;
    padding: 0.3rem var(--space-2);
    border: 0;
    border-radius: var(--radius);
    background: var(--field);
    box-shadow: inset 0 -1px 0 var(--line-strong);
    color: var(--ink);
    font: inherit;
    font-size: var(--text-base);
    line-height: 1.5rem;
    transition: box-shadow var(--quick);
  }
  .control:hover:enabled {
    box-shadow: inset 0 -1px 0 var(--ink);
  }
  .control:focus-visible {
    box-shadow: inset 0 -2px 0 var(--accent);
    outline: 2px solid var(--accent);
    outline-offset: 0;
  }
  .control[aria-invalid='true'] {
    box-shadow: inset 0 -2px 0 var(--wrong);
  }
  .control:disabled {
    background: transparent;
    box-shadow: inset 0 -1px 0 var(--line);
    color: var(--ink);
    -webkit-text-fill-color: currentcolor;
    opacity: 1;
  }
  select.control {
    padding-right: 1.75rem;
    appearance: none;
    background-image: conic-gradient(from -45deg at 50% 100%, var(--muted) 90deg, transparent 0);
    background-position: calc(100% - 0.7rem) 55%;
    background-repeat: no-repeat;
    background-size: 0.6rem 0.3rem;
    text-overflow: ellipsis;
  }
  input[type='checkbox'] {
    width: 1.1rem;
    height: 1.1rem;
    margin: 0;
    accent-color: var(--accent);
  }
`;

/** Labels beside their controls. */
export const inlineLabelStyles = css`
  label {
    display: inline-flex;
    gap: var(--space-2);
    align-items: center;
    color: var(--muted);
    font-size: var(--text-small);
  }
`;

/** A disclosure whose marker turns when it opens. */
export const disclosureStyles = css`
  summary {
    display: inline-flex;
    gap: var(--space-2);
    align-items: center;
    border-radius: var(--radius);
    color: var(--muted);
    font-size: var(--text-small);
    cursor: pointer;
    list-style: none;
  }
  summary:hover {
    color: var(--ink);
  }
  summary::-webkit-details-marker {
    display: none;
  }
  summary::before {
    content: '';
    width: 0.4rem;
    height: 0.4rem;
    margin: 0 0.15rem;
    border-right: 1.5px solid currentcolor;
    border-bottom: 1.5px solid currentcolor;
    transform: rotate(-45deg);
    transition: transform var(--quick);
  }
  [open] > summary::before {
    transform: rotate(45deg);
  }
`;

/** A select with its label and a remark on the choice, on one line where there is room. */
export const choiceStyles = css`
  .choice {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-4);
    align-items: center;
  }
  .choice select {
    width: auto;
    max-width: 100%;
  }
`;
