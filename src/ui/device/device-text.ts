/** Words and numbers of the Device view. */
import type { Device, RatedFigure, ShortPart } from '../../protocol/device-report.ts';
import { formatCount, formatDuration } from '../parts/format.ts';

export const PART_TITLES: Readonly<Record<ShortPart, string>> = {
  answer: 'A first answer, cold',
  step: 'A first training step, cold',
  checks: 'Self-checks of the kernels',
  rates: 'Best rates',
  score: 'Scoring',
};

/** A value with its unit. */
export function figureText({ value, unit }: Pick<RatedFigure, 'value' | 'unit'>): string {
  if (unit === 'ms') return value < 0.1 ? `${(1000 * value).toFixed(1)} µs` : formatDuration(value);
  const text = value >= 100 ? formatCount(value) : String(Number(value.toPrecision(3)));
  return `${text} ${unit}`;
}

/** What a figure is a share of. */
export function shareText({ share, of }: RatedFigure): string {
  if (share === null || of === undefined) return '';
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} % of ${of}`;
}

/** One sentence about the kind of a device. */
export function kindText({ kind }: Pick<Device, 'kind'>): string {
  return {
    'hardware GPU': 'A hardware GPU.',
    'software adapter': 'A GPU that is emulated by the processor, so times say little about real ones.',
    processor: 'No GPU: the processor computes.',
  }[kind];
}
