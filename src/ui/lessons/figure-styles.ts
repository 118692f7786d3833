import { css } from 'lit';

/** The looks of what figures and tables of lessons are made of. */
export const figureStyles = css`
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
  .details {
    color: var(--muted);
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
`;
