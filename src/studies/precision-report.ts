/**
 * The report of `bench precision`: at each stretch of the curve the distance between mixed precision and f32 with the
 * same seed, and the distance between runs of different seeds.
 */
import * as v from 'valibot';
import { SEEDS_FOR_A_CLAIM } from '../protocol/experiment-results.ts';
import { heading, paragraph, type Report, table } from './report.ts';
import { meanInterval, type MeanInterval } from '../common/student-t.ts';

const RunSchema = v.strictObject({
  seed: v.number(),
  /** The mean loss of each stretch, with its last step. */
  curve: v.array(v.strictObject({ step: v.number(), lossNats: v.number() })),
  devLossNats: v.number(),
  devAccuracy: v.number(),
  /** Updates whose gradient overflowed, and the loss scale at the end; 0 and 1 in f32. */
  skipped: v.number(),
  lossScale: v.number(),
  /** The median time between two updates, in milliseconds. */
  stepMs: v.number(),
});
/** One run. */
export type PrecisionRun = v.InferOutput<typeof RunSchema>;

/** The schema of `docs/results/precision.json`. */
export const PrecisionResultsSchema = v.strictObject({
  id: v.literal('precision'),
  device: v.string(),
  commit: v.string(),
  command: v.string(),
  /** The settings (`SftExperiment`) of the first seed in f32. */
  config: v.looseObject({ preset: v.string(), sft: v.looseObject({ steps: v.number(), batchSize: v.number() }) }),
  stretch: v.number(),
  arms: v.array(v.strictObject({ name: v.picklist(['f32', 'mixed']), seeds: v.array(RunSchema) })),
});
export type PrecisionResults = v.InferOutput<typeof PrecisionResultsSchema>;

/** The difference of two kinds of runs in one number of each run. */
interface Difference {
  readonly f32: number;
  readonly mixed: number;
  /** Mixed minus f32, paired by seed. */
  readonly change: MeanInterval;
  /** The standard deviation over seeds in f32. */
  readonly spread: number;
}

/** The report. */
export function precisionReport({ device, commit, command, config, stretch, arms }: PrecisionResults): Report {
  const [plain = [], mixed = []] = (['f32', 'mixed'] as const).map(
    (name) => arms.find((arm) => arm.name === name)?.seeds,
  );
  const compare = (of: (run: PrecisionRun) => number): Difference => differenceOf(plain.map(of), mixed.map(of));
  const points = plain[0]?.curve ?? [];
  const byStretch = points.map((_, i) => compare(({ curve }) => curve[i]?.lossNats ?? NaN));
  const whole = compare(({ curve }) => curve.reduce((sum, { lossNats }) => sum + lossNats, 0) / curve.length);
  const last = byStretch.at(-1);
  const dev = compare(({ devLossNats }) => devLossNats);
  const accuracy = compare(({ devAccuracy }) => devAccuracy);
  const row = (name: string, { f32, mixed: inMixed, change, spread }: Difference, digits: number): string[] => {
    const { mean, low, high } = change;
    const interval = `${signed(mean, digits)} (${signed(low, digits)} to ${signed(high, digits)})`;
    return [name, f32.toFixed(digits), inMixed.toFixed(digits), interval, spread.toFixed(digits)];
  };
  const head = ['f32', 'mixed', 'mixed less f32, same seed', 'deviation between seeds'];
  const outside = byStretch.filter(({ change, spread }) => Math.abs(change.mean) > spread).length;
  const stepMs = (runs: readonly PrecisionRun[]): number => meanInterval(runs.map((run) => run.stepMs)).mean;
  return {
    title: 'Mixed precision against the noise of seeds',
    blocks: [
      paragraph(
        `${config.preset}, ${config.sft.steps} updates of ${config.sft.batchSize} pairs of the rule world, ` +
          `${plain.length} seeds; of a seed both runs have the same first weights and the same batches. ${device}, ` +
          `commit ${commit}, by "${command}". Losses in nats per token; intervals are 95 % by Student over seeds.`,
      ),
      paragraph(plain.length < SEEDS_FOR_A_CLAIM ? `Preliminary, n = ${plain.length}.` : verdict(whole, last, dev)),
      table(
        ['', ...head],
        [
          row('training loss, whole curve', whole, 4),
          row('held-out loss at the end', dev, 4),
          row('held-out label accuracy at the end', accuracy, 3),
        ],
      ),
      heading('The curve'),
      paragraph(
        `Means over ${stretch} updates. The mean change is beyond the deviation between seeds in ${outside} of ` +
          `${byStretch.length} stretches.`,
      ),
      table(
        ['to step', ...head],
        byStretch.map((each, i) => row(String(points[i]?.step ?? ''), each, 4)),
      ),
      heading('Time, and the scale of the loss'),
      paragraph(
        `A step takes ${stepMs(plain).toFixed(0)} ms in f32 and ${stepMs(mixed).toFixed(0)} ms in mixed on this ` +
          `machine. Updates skipped: ${mixed.map(({ skipped }) => skipped).join(', ')}; scale of the loss ` +
          `at the end: ${mixed.map(({ lossScale }) => lossScale).join(', ')}.`,
      ),
    ],
  };
}

function differenceOf(plain: readonly number[], mixed: readonly number[]): Difference {
  const { mean } = meanInterval(plain);
  const variance = plain.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (plain.length - 1);
  return {
    f32: mean,
    mixed: meanInterval(mixed).mean,
    change: meanInterval(mixed.map((value, i) => value - (plain[i] ?? NaN))),
    spread: Math.sqrt(variance),
  };
}

/**
 * Whether the numbers support "within the noise of seeds": the whole interval of the change lies within one deviation.
 */
function verdict(whole: Difference, last: Difference | undefined, dev: Difference): string {
  const isWithin = ({ change: { low, high }, spread }: Difference): boolean => Math.max(-low, high) <= spread;
  const answer = (each: Difference | undefined): string => (each !== undefined && isWithin(each) ? 'yes' : 'no');
  return (
    'Whether the interval of the change lies within one deviation between seeds of 0: the whole curve: ' +
    `${answer(whole)}; the last stretch: ${answer(last)}; the held-out loss: ${answer(dev)}.`
  );
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(digits)}`;
}
