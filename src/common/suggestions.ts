/**
 * What somebody may have meant by a name that is not known.
 */
import { distance } from 'fastest-levenshtein';

/** The most letters that may differ, as a share of the longer name. */
const MOST_DIFFERENT = 0.5;

/** The known name nearest to what was written, in whatever case; undefined where none is near. */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  const rated = [...known].map((name) => ({ name, share: differentShare(written, name) }));
  const [best] = rated.toSorted((a, b) => a.share - b.share);
  return best !== undefined && best.share <= MOST_DIFFERENT ? best.name : undefined;
}

function differentShare(a: string, b: string): number {
  const [first, second] = [a.toLowerCase(), b.toLowerCase()];
  return distance(first, second) / Math.max(first.length, second.length, 1);
}
