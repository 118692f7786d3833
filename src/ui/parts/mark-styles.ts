/** The marks of evidence in a text: the outcome of the check as ground, an edge below the active one. */
import { css } from 'lit';

export const markStyles = css`
  mark {
    border-radius: 0.2em;
    background: var(--ground);
    color: inherit;
    box-shadow: 0 0 0 0.12em var(--ground);
  }
  .verified {
    --ground: var(--verified-ground);
    --edge: var(--verified);
  }
  .wrong {
    --ground: var(--wrong-ground);
    --edge: var(--wrong);
  }
  .uncheckable {
    --ground: var(--uncheckable-ground);
    --edge: var(--uncheckable);
  }
  .active {
    box-shadow:
      0 0 0 0.12em var(--ground),
      0 0.16em 0 0.12em var(--edge);
  }
`;
