/** The colour of a label on its scale, from worst to best, as in the gauge of the Score view. */
import { css } from 'lit';

/** The custom property that {@link labelToneStyles} read. @param size - labels on the scale */
export function labelTone(label: number, size: number): { readonly '--place': string } {
  return { '--place': (size > 1 ? Math.max(0, label) / (size - 1) : 0).toFixed(3) };
}

export const labelToneStyles = css`
  .tone {
    --colour: color-mix(in oklab, var(--label-best) calc(var(--place) * 100%), var(--label-worst));
  }
  .tone::before {
    content: '';
    flex: none;
    width: 0.6rem;
    height: 0.6rem;
    border-radius: 50%;
    background: var(--colour);
  }
`;
