/**
 * Structure and text are kept apart: a prompt or completion is a list of segments, each either one special token or a
 * piece of text. The tokenizer encodes special tokens by name and text as text, so text that looks like a special token
 * stays text.
 */

/** One special token (an entry of SPECIAL_TOKENS) or a piece of plain text. */
export type Segment =
  { readonly kind: 'special'; readonly token: string } | { readonly kind: 'text'; readonly text: string };

export function special(token: string): Segment {
  return { kind: 'special', token };
}

/** Words of text. A space precedes the first word, so that a word has the same tokens at every position. */
export function words(text: string): Segment {
  return { kind: 'text', text: ` ${text}` };
}

/** The segments as one readable line. For display and logs, not for parsing. */
export function describeSegments(segments: readonly Segment[]): string {
  return segments.map((segment) => (segment.kind === 'special' ? segment.token : segment.text)).join('');
}
