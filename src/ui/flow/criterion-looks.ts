/**
 * A hue for each criterion of rules, the same in every figure of a lesson. Red is left to what is wrong. The classes
 * set `color`; drawings take it as `currentcolor`.
 */
import { css } from 'lit';
import type { Criterion } from '../../relevance/pair/vocabulary.ts';

/** The class of a criterion; of answers that cite no rule, undefined. */
export function criterionLook(criterion: Criterion | undefined): string {
  return `hue-${criterion ?? 'none'}`;
}

export const criterionStyles = css`
  .hue-type {
    color: light-dark(oklch(0.5 0.13 250), oklch(0.76 0.11 250));
  }
  .hue-brand {
    color: light-dark(oklch(0.5 0.15 305), oklch(0.76 0.12 305));
  }
  .hue-attribute {
    color: light-dark(oklch(0.5 0.12 150), oklch(0.78 0.13 150));
  }
  .hue-quantity {
    color: light-dark(oklch(0.55 0.12 75), oklch(0.8 0.12 80));
  }
  .hue-negation {
    color: light-dark(oklch(0.52 0.09 200), oklch(0.79 0.09 200));
  }
  .hue-accessory {
    color: light-dark(oklch(0.54 0.15 345), oklch(0.78 0.12 345));
  }
  .hue-audience {
    color: light-dark(oklch(0.52 0.11 118), oklch(0.8 0.13 118));
  }
  .hue-overall {
    color: light-dark(oklch(0.45 0.1 275), oklch(0.74 0.1 275));
  }
  .hue-none {
    color: var(--muted);
  }
`;
