/**
 * The hints about meaning as tokens of a prompt:
 *
 *     meaning   := absent  |  like passage gap
 */
import type { readSegments } from '../trace/segment-reader.ts';
import { type Segment, special } from '../trace/segments.ts';
import {
  MEANING_HINTS,
  type MeaningHint,
  meaningBucketsOf,
  meaningHintToken,
  NO_GAP,
  NO_MEANING,
} from '../pair/vocabulary.ts';
import type { MeaningHints } from './meaning.ts';

/** The tokens that begin the hints, but for that of absent ones. */
export const LIKE_TOKENS: readonly string[] = bucketsOfHint('like').map((bucket) => meaningHintToken('like', bucket));

/** The hints as segments. */
export function printMeaning(meaning: MeaningHints | 'absent'): Segment[] {
  if (meaning === 'absent') return [special(NO_MEANING)];
  return MEANING_HINTS.map((hint) => {
    const bucket = meaning[hint];
    return special(bucket === 'absent' ? NO_GAP : meaningHintToken(hint, bucket));
  });
}

/** The inverse of {@link printMeaning}. */
export function readMeaning(reader: ReturnType<typeof readSegments>): MeaningHints | 'absent' {
  if (reader.take(NO_MEANING)) return 'absent';
  const bucket = (hint: MeaningHint): number =>
    reader.oneOf(`a hint about ${hint}`, bucketsOfHint(hint), (value) => meaningHintToken(hint, value));
  const [like, passage] = [bucket('like'), bucket('passage')];
  return { like, passage, gap: reader.take(NO_GAP) ? 'absent' : bucket('gap') };
}

function bucketsOfHint(hint: MeaningHint): number[] {
  return Array.from({ length: meaningBucketsOf(hint) }, (_, bucket) => bucket);
}
