/** Suggests a known name for an unknown one. */
import { distance } from 'fastest-levenshtein';

/** The largest edit distance, as a share of the longer name. */
const MAX_DIFFERENCE = 0.5;

/** The known name nearest to the given one, ignoring case; undefined if none is near. */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  const rated = [...known].map((name) => ({ name, share: differentShare(written, name) }));
  const [best] = rated.toSorted((a, b) => a.share - b.share);
  return best !== undefined && best.share <= MAX_DIFFERENCE ? best.name : undefined;
}

function differentShare(a: string, b: string): number {
  const [first, second] = [a.toLowerCase(), b.toLowerCase()];
  return distance(first, second) / Math.max(first.length, second.length, 1);
}
