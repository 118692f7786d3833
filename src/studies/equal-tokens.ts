/**
 * Comparisons at equal tokens. Arms make the same number of steps but do not read the same number of tokens, because
 * completions differ in length and some arms also read expert samples. Here each comparison is repeated at equal
 * tokens: for each seed at the end of the arm that took fewer, on the other arm's curve with linear interpolation.
 * Curves are measured on the dev split, so these numbers differ from those at equal steps, which are measured on the
 * test split.
 */
import type { ExperimentResults, Finding, ResultPoint, SeedResult } from '../protocol/experiment-results.ts';
import { type MeanInterval, meanInterval } from '../common/student-t.ts';

/** Metrics with the same meaning on curves and at the end. */
const CURVE_METRICS = ['tailRecall', 'headRecall', 'distinctRules', 'accuracy', 'macroF1', 'pairAccuracy'] as const;
type CurveMetric = (typeof CURVE_METRICS)[number];

/** A comparison at equal tokens. */
export interface EqualTokensFinding {
  readonly claim: string;
  readonly metric: CurveMetric;
  /** Mean over seeds of the tokens at which the arms are compared. */
  readonly tokens: number;
  /** `arm` minus `against`. */
  readonly difference: MeanInterval;
}

/** The findings of two arms at equal tokens, without those whose curves have no tokens. */
export function atEqualTokens({ arms, findings }: Pick<ExperimentResults, 'arms' | 'findings'>): EqualTokensFinding[] {
  return findings.flatMap(({ claim, metric: name, arm, against }: Finding): EqualTokensFinding[] => {
    const metric = CURVE_METRICS.find((each) => each === name);
    const [ours, theirs] = [arm, against].map((each) => arms.find((candidate) => candidate.name === each)?.seeds ?? []);
    if (metric === undefined) return [];
    const pairs = (ours ?? []).flatMap((seed) => {
      const other = theirs?.find((candidate) => candidate.seed === seed.seed);
      return other === undefined ? [] : (compareSeed(metric, seed, other) ?? []);
    });
    if (pairs.length === 0) return [];
    const tokens = pairs.reduce((sum, pair) => sum + pair.tokens, 0) / pairs.length;
    return [{ claim, metric, tokens, difference: meanInterval(pairs.map((pair) => pair.difference)) }];
  });
}

function compareSeed(
  metric: CurveMetric,
  ours: SeedResult,
  theirs: SeedResult,
): { readonly tokens: number; readonly difference: number } | undefined {
  const ends = [ours, theirs].map(({ curve }) => curve.at(-1)?.tokens);
  if (ends.some((end) => end === undefined)) return undefined;
  const tokens = Math.min(...ends.map((end) => end ?? 0));
  const [a, b] = [valueAt(ours.curve, metric, tokens), valueAt(theirs.curve, metric, tokens)];
  return a === undefined || b === undefined ? undefined : { tokens, difference: a - b };
}

/** A metric where a curve reaches a number of tokens; undefined outside its measured range. */
function valueAt(curve: readonly ResultPoint[], metric: CurveMetric, tokens: number): number | undefined {
  const next = curve.findIndex((point) => (point.tokens ?? Infinity) >= tokens);
  const [before, after] = [curve[Math.max(0, next - 1)], curve[next]];
  const [low, high] = [before?.[metric] ?? undefined, after?.[metric] ?? undefined];
  if (before === undefined || after === undefined || low === undefined || high === undefined) return undefined;
  const width = (after.tokens ?? 0) - (before.tokens ?? 0);
  return width === 0 ? high : low + ((tokens - (before.tokens ?? 0)) / width) * (high - low);
}
