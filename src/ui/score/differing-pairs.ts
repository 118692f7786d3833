/**
 * Pairs on which bundled models differ, as examples for a comparison; `scripts/differing-pairs.ts` has asked the
 * models.
 */
import * as v from 'valibot';
import { PairSchema } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';

const FileSchema = v.array(
  v.strictObject({
    pair: PairSchema,
    /** By the id of the model. */
    labels: v.record(v.string(), v.number()),
  }),
);
export type DifferingPairs = v.InferOutput<typeof FileSchema>;

/** At most, in a comparison. */
const MOST_OFFERED = 5;

/** Empty where they cannot be fetched, because a comparison does without. */
export async function fetchDifferingPairs(): Promise<DifferingPairs> {
  try {
    const response = await fetch(new URL('models/differing-pairs.json', document.baseURI));
    const parsed = v.safeParse(FileSchema, await response.json());
    return parsed.success ? parsed.output : [];
  } catch {
    return [];
  }
}

/**
 * Those on which not all of some models agree, most different labels first; none where fewer than two of the models
 * were asked.
 *
 * @param keys - of the models that are compared; others than bundled ones were not asked
 */
export function pairsThatDiffer(pairs: DifferingPairs, keys: readonly string[]): Pair[] {
  const kinds = ({ labels }: DifferingPairs[number]): number =>
    new Set(keys.flatMap((key) => (Object.hasOwn(labels, key) ? [labels[key]] : []))).size;
  return pairs
    .filter((each) => kinds(each) > 1)
    .toSorted((a, b) => kinds(b) - kinds(a))
    .slice(0, MOST_OFFERED)
    .map(({ pair }) => pair);
}
