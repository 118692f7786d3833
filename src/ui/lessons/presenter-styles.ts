import { css } from 'lit';

/** The looks of a lesson in front of a room. */
export const presenterStyles = css`
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
    --figure-text: max(20px, 1.05vw);
    --plot-height: max(10rem, calc(30dvh - 7rem));
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
  :host([presenting]) :is(.more, .recorded, lab-lesson-files) {
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
