/** The frame of the Runs view. */
import { css } from 'lit';
import { inlineLabelStyles } from '../parts/forms/field-styles.ts';

export const runsViewStyles = [
  inlineLabelStyles,
  css`
    .view {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: var(--space-4);
    }
    header,
    .bar {
      display: flex;
      flex-wrap: wrap;
      gap: var(--space-2) var(--space-4);
      align-items: center;
    }
    header h2 {
      flex: 1 1 auto;
      font-size: var(--text-query);
      font-weight: 650;
      letter-spacing: -0.015em;
    }
    .filter {
      width: 16rem;
      max-width: 100%;
    }
    select.control {
      width: auto;
    }
    .panel {
      padding: var(--space-4);
      border-radius: calc(var(--radius) * 2);
      background: var(--surface);
    }
    .empty {
      max-width: 38rem;
      color: var(--muted);
    }
    .muted {
      color: var(--muted);
      font-size: var(--text-small);
    }
    .damaged {
      display: flex;
      flex-wrap: wrap;
      gap: var(--space-2) var(--space-4);
      align-items: center;
      justify-content: space-between;
    }
  `,
];
