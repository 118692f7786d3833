/**
 * The layout of the Train view: display left, settings right; stacked on narrow screens.
 */
import { css } from 'lit';

export const trainViewStyles = css`
  .bench {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-4);
  }
  .panel {
    min-width: 0;
    padding: var(--space-5) var(--space-4);
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) * 2);
    background: var(--surface);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
  }
  .ways {
    margin-bottom: var(--space-4);
  }
  .ways [aria-pressed='true'] {
    font-weight: 600;
    box-shadow: inset 0 -2px 0 var(--accent);
  }
  .offers {
    display: grid;
    gap: var(--space-3);
  }
  .empty {
    max-width: 34rem;
    padding-top: var(--space-3);
    color: var(--muted);
  }
  .empty + .actions {
    margin-top: var(--space-3);
  }
  .wrong {
    margin-bottom: var(--space-4);
  }

  @media (min-width: 56rem) {
    .bench {
      grid-template-columns: minmax(0, 6fr) minmax(0, 4fr);
      gap: var(--space-5);
      align-items: start;
    }
    .offers,
    .checkpoints {
      grid-column: 1 / -1;
    }
    .panel {
      padding: var(--space-5) var(--space-6) var(--space-6);
    }
    .run {
      min-height: 26rem;
    }
    .checkpoints {
      padding-bottom: var(--space-5);
    }
  }
  /* Only where the whole display is visible at once. */
  @media (min-width: 56rem) and (min-height: 62rem) {
    .run {
      position: sticky;
      top: var(--space-5);
    }
  }
`;
