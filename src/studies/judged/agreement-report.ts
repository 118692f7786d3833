/**
 * The cost of compression for each model: bytes, labels that stay, the shift of scores, and completions that stay
 * identical.
 */
import * as v from 'valibot';
import { count, measuredText, MeasuredSchema, threeDecimals } from '../findings.ts';
import { heading, paragraph, type Report, table } from '../report.ts';
import { signed } from '../../common/student-t.ts';

/** A copy compared with its original: `Agreement` (relevance/metrics/agreement.ts), its size and its completions. */
const CopyAgreementSchema = v.strictObject({
  precision: v.string(),
  /** With the matrices as stored, and everything else as float32. */
  sizeBytes: count,
  pairs: count,
  queries: count,
  sameLabel: MeasuredSchema,
  meanScoreShift: v.number(),
  maxScoreShift: v.number(),
  accuracyChange: MeasuredSchema,
  /** The number of greedy completions of both. */
  completions: count,
  /** The share of them that are identical token by token. */
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
  return {
    title: 'What compression costs each model',
    blocks: [
      paragraph(
        `Answers with compressed matrices beside those in float32, on held-out pairs. ${device}, commit ${commit}, ` +
          `by "${command}". Shifts of the score s are in labels. Intervals are a 95 % bootstrap over queries; ` +
          '"accuracy" is the change against float32.',
      ),
      ...models.flatMap(({ name, folder, pairs, accuracy, fullBytes, copies }) => [
        heading(`${name} (${folder})`),
        paragraph(`${pairs}. In float32: ${megabytes(fullBytes)} MB, label accuracy ${accuracy.toFixed(3)}.`),
        table(
          ['kept as', 'MB', 'same label', 'mean shift of s', 'largest', 'accuracy', 'same completion'],
          copies.map((copy) => [
            copy.precision,
            megabytes(copy.sizeBytes),
            measuredText(copy.sameLabel),
            copy.meanScoreShift.toFixed(4),
            copy.maxScoreShift.toFixed(3),
            measuredText(copy.accuracyChange, signed),
            copy.sameCompletion === null ? 'none' : `${threeDecimals(copy.sameCompletion)} of ${copy.completions}`,
          ]),
        ),
      ]),
    ],
  };
}

function megabytes(sizeBytes: number): string {
  return (sizeBytes / 1e6).toFixed(2);
}
