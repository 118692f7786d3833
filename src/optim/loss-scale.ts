/**
 * Dynamic loss scaling, the second part of mixed precision (arXiv 1710.03740, section 3.2). Differentiating a multiple
 * of the loss keeps small gradients from being rounded to zero in half precision. The multiple adapts: an update whose
 * gradient is not finite is skipped and halves it, many good ones double it. Initial value, factors and interval are
 * those of PyTorch's GradScaler.
 */

/** The state of the loss scale. */
export interface LossScale {
  /** The factor of the loss before differentiation. */
  readonly scale: number;
  /** Good updates since the scale last changed. */
  readonly good: number;
  /** Updates skipped since the start of the run. */
  readonly skipped: number;
}

/** The initial state. */
export const FIRST_LOSS_SCALE: LossScale = { scale: 2 ** 16, good: 0, skipped: 0 };

/** Good updates after which the scale doubles. */
export const GROWTH_INTERVAL = 2000;

/** The scale after an update. @param isFinite - whether the gradient was finite, so that the update was made */
export function nextLossScale({ scale, good, skipped }: LossScale, isFinite: boolean): LossScale {
  if (!isFinite) return { scale: scale / 2, good: 0, skipped: skipped + 1 };
  if (good + 1 < GROWTH_INTERVAL) return { scale, good: good + 1, skipped };
  return { scale: scale * 2, good: 0, skipped };
}

/**
 * Whether a run can continue, given the numbers it read. In mixed precision a gradient may be infinite occasionally;
 * but once the scale has fallen below 1, the overflow has another cause.
 *
 * @param lossScale - after the update; undefined in f32
 */
export function isTrainable(loss: number, gradNorm: number, lossScale: LossScale | undefined): boolean {
  if (!Number.isFinite(loss)) return false;
  return lossScale === undefined ? Number.isFinite(gradNorm) : lossScale.scale >= 1;
}
