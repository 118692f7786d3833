import { css } from 'lit';

/** The looks of `lab-live`: hairlines, one figure, and everything within a screen where there is one. */
export const liveStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    gap: var(--space-2);
    --plot-height: clamp(6.5rem, calc((100dvh - 34rem) / 2), 15rem);
  }
  .branches {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
    gap: var(--space-2) var(--space-5);
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
    font-size: var(--text-small);
    line-height: 1.4;
  }
  .branch {
    display: grid;
    grid-template-columns: auto auto 1fr;
    gap: var(--space-2);
    align-items: baseline;
    padding: var(--space-1) 0;
    border-top: 1px solid var(--line);
    cursor: pointer;
  }
  .branch:has(:checked) {
    border-top-color: var(--ink);
  }
  .branch input {
    margin: 0;
    accent-color: var(--accent);
  }
  .key {
    align-self: start;
    width: 1.6rem;
    margin-top: 0.55em;
    border-top: 3px solid currentcolor;
  }
  .story {
    color: var(--muted);
  }
  .event {
    display: flex;
    gap: var(--space-2);
    font-size: var(--text-small);
  }
  .ring {
    flex: none;
    width: 0.85rem;
    height: 0.85rem;
    margin-top: 0.2rem;
    border: 2.5px solid var(--ink);
    border-radius: 50%;
  }
  .said:empty {
    display: none;
  }
  .said {
    padding-left: var(--space-3);
    border-left: 3px solid var(--accent);
    font-size: var(--text-small);
  }
  .screen {
    display: grid;
    gap: var(--space-5);
  }
  .flow,
  .charts {
    display: flex;
    flex-direction: column;
    min-width: 0;
  }
  .sides {
    display: flex;
    gap: var(--space-3);
    justify-content: space-between;
    color: var(--muted);
    font-size: var(--text-small);
  }
  .sides b {
    color: var(--ink);
  }
  lab-flow {
    flex: 1;
    min-height: 26rem;
  }
  .none {
    margin: auto;
    padding: var(--space-6) 0;
    color: var(--muted);
  }
  .charts {
    gap: var(--space-3);
  }
  .words {
    color: var(--muted);
    font-size: var(--text-small);
    line-height: 1.6;
  }
  @media (min-width: 60rem) {
    .screen {
      grid-template-columns: minmax(0, 3fr) minmax(18rem, 2fr);
      flex: 1;
      min-height: 18rem;
    }
    lab-flow {
      min-height: 0;
    }
  }
`;
