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
  .specimen {
    display: flex;
    flex-direction: column;
    justify-content: center;
  }
  .query {
    font-family: var(--serif);
    font-size: clamp(1.8rem, 1rem + 2.8vw, 3.4rem);
    font-weight: 600;
    letter-spacing: -0.02em;
    line-height: 1.1;
  }
  .offer {
    color: var(--muted);
    font-family: var(--serif);
    font-size: clamp(1.3rem, 0.9rem + 1.5vw, 2.1rem);
  }
  .gold {
    max-width: 62ch;
    margin: var(--space-4) 0;
  }
  .twice {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
    gap: var(--space-5);
  }
  .answer {
    padding-top: var(--space-3);
    border-top: 2px solid var(--verified);
  }
  .is-wrong {
    border-color: var(--wrong);
  }
  .hidden-answer {
    border-color: var(--line);
    color: var(--muted);
  }
  .answer h3 {
    color: var(--muted);
    font-size: var(--text-small);
    font-weight: 600;
  }
  .big {
    font-size: clamp(1.3rem, 0.8rem + 1.6vw, 2rem);
    font-weight: 650;
    line-height: 1.3;
  }
  .is-wrong .big {
    color: var(--wrong);
  }
  .tokens {
    margin-top: var(--space-2);
    color: var(--muted);
    font-family: var(--mono);
    font-size: var(--text-small);
  }
  .group,
  .guesses {
    width: 100%;
    border-collapse: collapse;
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
  }
  .group caption {
    padding-bottom: var(--space-2);
    text-align: left;
  }
  td,
  tbody th,
  thead th {
    padding: 0.12rem var(--space-3) 0.12rem 0;
    border-bottom: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
  }
  thead th {
    color: var(--muted);
    font-weight: 400;
  }
  tbody th {
    font-weight: 400;
  }
  .paid {
    text-align: right;
  }
  .push {
    white-space: nowrap;
  }
  .push.down {
    color: var(--muted);
  }
  .charts {
    display: grid;
    align-content: center;
    gap: var(--space-6);
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
  .said:empty {
    display: none;
  }
  .said {
    margin-top: var(--space-1);
    color: var(--muted);
    font-size: var(--text-small);
  }
  label.button:focus-within {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
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
  /* For the back of a hall: large text, and the figure takes most of the height. */
  :host([presenting]) {
    position: fixed;
    inset: 0;
    z-index: 20;
    overflow: auto;
    padding: 1.5rem 2.5rem;
    background: var(--paper);
    font-size: max(28px, 1.5vw);
    --text-small: max(28px, 1.5vw);
    --text-base: max(28px, 1.5vw);
    --figure-height: 60dvh;
  }
  :host([presenting]) section {
    display: flex;
    flex: 1 0 auto;
    flex-direction: column-reverse;
    justify-content: flex-end;
    gap: var(--space-4);
  }
  :host([presenting]) .figure {
    flex: none;
    height: var(--figure-height);
  }
  /* The map of all rules has the most to name. */
  :host([presenting]) .figure:has(lab-flow) {
    height: 74dvh;
  }
  :host([presenting]) .prose {
    max-width: none;
  }
  /* Once the room has answered, what was measured is enough. */
  :host([presenting]) .prose:has(.truth p) :is(.lead, fieldset) {
    display: none;
  }
  /* The way on stays in sight where there is more text than room. */
  :host([presenting]) nav {
    position: sticky;
    bottom: -1.5rem;
    padding-bottom: 0.75rem;
    background: var(--paper);
  }
  :host([presenting]) .truth {
    margin: 0;
    padding: 0;
    border: 0;
  }
  :host([presenting]) .lead {
    font-size: inherit;
    line-height: 1.35;
  }
  :host([presenting]) h2 {
    font-size: 1.35em;
  }
  :host([presenting]) :is(.more, .recorded, .tokens) {
    display: none;
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
