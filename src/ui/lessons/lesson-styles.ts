import { css } from 'lit';

/** The looks of `lab-lesson`: hairlines instead of boxes, prose in a narrow column, one figure. */
export const lessonStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    gap: var(--space-3);
    --figure-height: calc(100dvh - 11.2rem);
    font-size: 0.9rem;
    line-height: 1.45;
  }
  section {
    display: grid;
    gap: var(--space-5);
  }
  .prose {
    max-width: 62ch;
  }
  h2 {
    margin-bottom: var(--space-3);
    font-family: var(--serif);
    font-size: clamp(1.5rem, 1.1rem + 1.1vw, 2.3rem);
    font-weight: 600;
    letter-spacing: -0.015em;
    line-height: 1.15;
    text-wrap: balance;
  }
  h2:focus {
    outline: none;
  }
  .lead {
    margin-bottom: var(--space-3);
    font-family: var(--serif);
    font-size: 1.0625rem;
    line-height: 1.4;
  }
  .paid-for {
    margin-bottom: var(--space-3);
  }
  .more {
    margin-top: var(--space-3);
    color: var(--muted);
    font-size: var(--text-small);
  }
  fieldset {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    margin-bottom: var(--space-2);
    padding: 0;
    font-weight: 600;
  }
  fieldset button {
    min-height: 2rem;
  }
  fieldset button[aria-pressed='true'] {
    border-color: var(--ink);
    background: var(--ink);
    color: var(--paper);
  }
  .truth {
    margin-top: var(--space-3);
    padding-top: var(--space-3);
    border-top: 1px solid var(--line-strong);
  }
  .truth:empty {
    display: none;
  }
  .truth p + p {
    margin-top: var(--space-2);
  }
  .figure {
    display: flex;
    flex-direction: column;
    min-width: 0;
  }
  .figure > * {
    flex: 1;
  }
  lab-flow {
    min-height: 34rem;
  }
  .limits {
    font-size: var(--text-small);
    margin: var(--space-3) 0 0 1.1em;
    padding: 0;
  }
  .limits li + li {
    margin-top: var(--space-1);
  }
  .files {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin-top: var(--space-3);
  }
  .files button,
  .files .button {
    min-height: 1.9rem;
    padding: 0 var(--space-2);
  }
  nav {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2) var(--space-4);
    align-items: center;
    padding-top: var(--space-3);
    border-top: 1px solid var(--line);
  }
  nav ol {
    display: flex;
    list-style: none;
  }
  nav li a {
    display: grid;
    place-items: center;
    width: 1.9rem;
    height: 1.9rem;
    border-radius: 50%;
    color: var(--muted);
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
    text-decoration: none;
  }
  nav li a:hover {
    color: var(--ink);
  }
  nav li a[aria-current='step'] {
    background: var(--ink);
    color: var(--paper);
  }
  [aria-disabled='true'] {
    visibility: hidden;
  }
  .recorded {
    flex: 1;
    color: var(--muted);
    font-size: 0.75rem;
    text-align: right;
  }
  .narrow {
    display: none;
  }
  @media (max-width: 40rem) {
    .narrow {
      display: inline;
    }
    .recorded {
      flex-basis: 100%;
      order: 1;
      text-align: left;
    }
  }
  .blank {
    position: fixed;
    inset: 0;
    z-index: 30;
    background: #000;
  }
  @media (min-width: 60rem) {
    section {
      grid-template-columns: minmax(20rem, 2.2fr) minmax(0, 3.2fr);
      min-height: var(--figure-height);
    }
    lab-flow {
      min-height: 0;
    }
    .figure {
      height: var(--figure-height);
    }
  }
  @media print {
    nav,
    .files,
    fieldset button {
      display: none;
    }
    section {
      display: block;
      min-height: 0;
      break-inside: avoid;
      margin-bottom: 2rem;
    }
    .figure {
      height: auto;
      margin-top: 1rem;
    }
    .figure > * {
      flex: none;
    }
    lab-flow {
      height: 30rem;
    }
    lab-drawn-curve {
      height: 16rem;
    }
  }
`;
