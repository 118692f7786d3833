/**
 * What compression costs each model, in numbers: bytes, labels that stay, how far scores move, reasoning that stays the same
 * word for word.
 */
import * as v from 'valibot';
import type { Report } from '../report-blocks.ts';

const MeasuredSchema = v.strictObject({
  value: v.nullable(v.number()),
  low: v.optional(v.number()),
  high: v.optional(v.number()),
});
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A copy beside its original; the fields of `Agreement` (relevance/metrics/agreement.ts), and what only a look at files and completions tells. */
export const CopyAgreementSchema = v.strictObject({
  precision: v.string(),
  /** Of the matrices as they are kept, and of everything else as float32. */
  sizeBytes: count,
  pairs: count,
  queries: count,
  sameLabel: MeasuredSchema,
  meanScoreShift: v.number(),
  maxScoreShift: v.number(),
  accuracyChange: MeasuredSchema,
  /** Greedy completions that were written by both. */
  completions: count,
  /** The share of them that are the same token by token. */
  sameCompletion: v.nullable(v.number()),
});
export type CopyAgreement = v.InferOutput<typeof CopyAgreementSchema>;

/** The schema of `docs/results/quantisation.json`. */
export const AgreementResultsSchema = v.strictObject({
  id: v.literal('quantisation'),
  device: v.string(),
  commit: v.string(),
  command: v.string(),
  models: v.array(
    v.strictObject({
      name: v.string(),
      folder: v.string(),
      pairs: v.string(),
      accuracy: v.number(),
      fullBytes: count,
      copies: v.array(CopyAgreementSchema),
    }),
  ),
});
export type AgreementResults = v.InferOutput<typeof AgreementResultsSchema>;

/** The report of all models. */
export function agreementReport({ device, commit, command, models }: AgreementResults): Report {
  const head = ['kept as', 'MB', 'same label', 'mean shift of s', 'largest', 'accuracy', 'same completion'];
  return {
    title: 'What compression costs each model',
    blocks: [
      {
        kind: 'text',
        text:
          `Answers with compressed matrices beside those in float32, on held-out pairs. ${device}, commit ${commit}, by ` +
          `"${command}". Shifts of the score s are in labels. Intervals are a 95 % bootstrap over queries; "accuracy" is the ` +
          'change against float32.',
      },
      ...models.flatMap(({ name, folder, pairs, accuracy, fullBytes, copies }) => [
        { kind: 'heading' as const, text: `${name} (${folder})` },
        {
          kind: 'text' as const,
          text: `${pairs}. In float32: ${megabytes(fullBytes)} MB, label accuracy ${accuracy.toFixed(3)}.`,
        },
        { kind: 'table' as const, head, rows: copies.map(rowOf) },
      ]),
    ],
  };
}

function rowOf(copy: CopyAgreement): string[] {
  const { precision, sizeBytes, sameLabel, meanScoreShift, maxScoreShift, accuracyChange, completions } = copy;
  const same = copy.sameCompletion === null ? '-' : `${copy.sameCompletion.toFixed(3)} of ${completions}`;
  return [
    precision,
    megabytes(sizeBytes),
    withInterval(sameLabel),
    meanScoreShift.toFixed(4),
    maxScoreShift.toFixed(3),
    withInterval(accuracyChange, '+'),
    same,
  ];
}

function megabytes(sizeBytes: number): string {
  return (sizeBytes / 1e6).toFixed(2);
}

function withInterval({ value, low, high }: v.InferOutput<typeof MeasuredSchema>, plus: '' | '+' = ''): string {
  const signed = (x: number): string => `${plus !== '' && x > 0 ? plus : ''}${x.toFixed(3)}`;
  if (value === null) return '-';
  return low === undefined || high === undefined
    ? signed(value)
    : `${signed(value)} (${signed(low)} to ${signed(high)})`;
}
