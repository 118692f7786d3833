/** What the Files view says of a proof that was checked. */
import type { Verified } from '../../protocol/files.ts';
import { formatCount } from '../parts/format.ts';

/** In a sentence. */
export function describeVerified({ pairs, of, hasMore, different }: Verified): string {
  const again = `${formatCount(pairs)} of ${formatCount(of)} pairs were scored again`;
  const rest = hasMore ? ` It is of the first ${formatCount(of)} pairs alone; the file has more.` : '';
  if (different.length === 0)
    return `The proof holds: ${again}, and all scores, the files and the model are the same.${rest}`;
  const rows = different.slice(0, 5).map(({ firstRow, lastRow }) => `${firstRow} to ${lastRow}`);
  const more = different.length > rows.length ? ` and ${different.length - rows.length} more places` : '';
  return `The proof does not hold: ${again}, with other scores in rows ${rows.join(', ')}${more}.`;
}
