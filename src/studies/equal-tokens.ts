/**
 * Arms make equally many steps, and do not read equally many tokens: completions differ in length, and some arms read
 * expert samples besides. Here each comparison is made once more where tokens are equal: seed by seed at the end of the
 * arm that took fewer, on the curve of the other by straight lines between its points. Curves are of the dev split, so
 * these numbers are not those at equal steps, which are of the test split.
 */
import type { ExperimentResults, Finding, ResultPoint, SeedResult } from '../protocol/experiment-results.ts';
import { type MeanInterval, meanInterval } from './student-t.ts';

/** Metrics that have the same meaning on curves as at the end. */
const CURVE_METRICS = ['tailRecall', 'headRecall', 'distinctRules', 'accuracy', 'macroF1', 'pairAccuracy'] as const;
type CurveMetric = (typeof CURVE_METRICS)[number];

/** A comparison at equal tokens. */
export interface EqualTokensFinding {
  readonly claim: string;
  readonly metric: CurveMetric;
  /** Mean over seeds of the tokens that both had had. */
  readonly tokens: number;
  /** Of `arm` less `against`. */
  readonly difference: MeanInterval;
}

/** The findings of two arms once more at equal tokens; without those whose curves have no tokens. */
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

/** A metric where a curve reaches a number of tokens; undefined where it was not measured on both sides of that. */
function valueAt(curve: readonly ResultPoint[], metric: CurveMetric, tokens: number): number | undefined {
  const next = curve.findIndex((point) => (point.tokens ?? Infinity) >= tokens);
  const [before, after] = [curve[Math.max(0, next - 1)], curve[next]];
  const [low, high] = [before?.[metric] ?? undefined, after?.[metric] ?? undefined];
  if (before === undefined || after === undefined || low === undefined || high === undefined) return undefined;
  const width = (after.tokens ?? 0) - (before.tokens ?? 0);
  return width === 0 ? high : low + ((tokens - (before.tokens ?? 0)) / width) * (high - low);
}
