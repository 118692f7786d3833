import { css } from 'lit';

/** The looks of a lesson in front of a room. */
export const presenterStyles = css`
  /* For the back of a hall: large text, and beside it a figure of nearly the whole height. */
  :host([presenting]) {
    position: fixed;
    inset: 0;
    z-index: 20;
    overflow: auto;
    padding: 1rem 2.5rem 0;
    background: var(--paper);
    font-size: max(28px, 1.5vw);
    --text-small: max(28px, 1.5vw);
    --text-base: max(28px, 1.5vw);
    --figure-height: calc(100dvh - 7.5rem);
    --figure-text: max(20px, 1.05vw);
    --plot-height: max(8rem, calc((100dvh - 21rem) / 2));
  }
  :host([presenting]) section {
    flex: 1 0 auto;
  }
  :host([presenting]) .prose {
    max-width: none;
  }
  /* Once the room has answered, what was measured is enough. */
  :host([presenting]) .prose:has(.truth p) :is(.lead, .paid-for, fieldset) {
    display: none;
  }
  /* The way on stays in sight where there is more text than room. */
  :host([presenting]) nav {
    position: sticky;
    bottom: 0;
    z-index: 1;
    padding: 0.6rem 0;
    background: var(--paper);
  }
  /* On a low screen the question comes first, because the prose, which can be said, would push it out of sight. */
  @media (max-height: 56rem) {
    :host([presenting]) .prose:has(fieldset) {
      display: flex;
      flex-direction: column;
    }
    :host([presenting]) .prose:has(fieldset) h2 {
      order: -2;
    }
    :host([presenting]) .prose fieldset {
      order: -1;
      margin-bottom: var(--space-4);
    }
  }
  @media (min-width: 60rem) {
    :host([presenting]) section {
      grid-template-columns: minmax(0, 2fr) minmax(0, 3.4fr);
    }
    /* What was guessed and what it proves take the whole width; the figure was seen before. */
    :host([presenting]) section.last {
      grid-template-columns: minmax(0, 1fr);
    }
    :host([presenting]) .last .figure {
      display: none;
    }
    :host([presenting]) .last .prose {
      display: grid;
      grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
      gap: var(--space-4) var(--space-6);
      align-content: start;
      align-items: start;
    }
    :host([presenting]) .last :is(h2, .files) {
      grid-column: 1 / -1;
    }
  }
  :host([presenting]) .group {
    font-size: var(--figure-text);
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
  :host([presenting]) :is(.more, .recorded, lab-figure-files) {
    display: none;
  }
  .number {
    color: var(--muted);
    font-variant-numeric: tabular-nums;
  }
  [aria-pressed='true'] .number {
    color: inherit;
  }
  .votes {
    margin-left: 0.4em;
    padding: 0 0.45em;
    border: 2px solid currentcolor;
    border-radius: 1em;
    font-variant-numeric: tabular-nums;
  }
`;
