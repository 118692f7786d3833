/**
 * Dynamic loss scaling, the other half of mixed precision (arXiv 1710.03740, section 3.2). Gradients that halves would round
 * to zero are kept from it by taking the gradient of a multiple of the loss. The multiple finds its own size: an update whose
 * gradient is not finite is skipped and halves it, many good ones double it. Start, factors and interval are those of
 * PyTorch's GradScaler.
 */

/** How far the scale has come. */
export interface LossScale {
  /** What the loss is multiplied by before its gradient is taken. */
  readonly scale: number;
  /** Updates made since the scale last changed. */
  readonly good: number;
  /** Updates skipped since the run began. */
  readonly skipped: number;
}

/** Where runs begin. */
export const FIRST_LOSS_SCALE: LossScale = { scale: 2 ** 16, good: 0, skipped: 0 };

/** Good updates that double the scale. */
export const GROWTH_INTERVAL = 2000;

/** The scale after an update. @param isFinite - whether its gradient was, so that the update was made */
export function nextLossScale({ scale, good, skipped }: LossScale, isFinite: boolean): LossScale {
  if (!isFinite) return { scale: scale / 2, good: 0, skipped: skipped + 1 };
  if (good + 1 < GROWTH_INTERVAL) return { scale, good: good + 1, skipped };
  return { scale: scale * 2, good: 0, skipped };
}

/**
 * Whether a run can go on from numbers it has read. In mixed precision a gradient may be infinite now and then; once the scale
 * has come down below 1, something else makes it so.
 *
 * @param lossScale - after the update; undefined in f32
 */
export function isTrainable(loss: number, gradNorm: number, lossScale: LossScale | undefined): boolean {
  if (!Number.isFinite(loss)) return false;
  return lossScale === undefined ? Number.isFinite(gradNorm) : lossScale.scale >= 1;
}
