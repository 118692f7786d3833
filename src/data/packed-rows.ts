/**
 * Several sequences in one row, so that none is padded and their common prefix is read once. A row has the shared
 * tokens first, then parts. Each token of a part sees the shared tokens and its own part up to itself, but not the
 * other parts:
 *
 *
 *     row:        p0 p1 p2 | a0 a1 a2 | b0 b1      of p a and p b
 *     positions:  0  1  2    3  4  5    3  4
 *     sharedEnd:  0  0  0    3  3  3    3  3
 *     ownStart:   0  0  0    3  3  3    6  6
 *
 * A token thus sees two ranges of its row, the keys `s < sharedEnd` and `ownStart <= s <= t`: two numbers per token
 * instead of a T x T mask. Up to rounding, the result is the same as with each sequence in a separate row.
 */

/** Positions of the tokens of packed rows, and the ranges they see. */
export interface PackedLayout {
  /** The position of each token in its sequence, B*T. */
  readonly positions: Int32Array;
  /** B*T pairs `sharedEnd, ownStart`, with `sharedEnd <= ownStart <= t`. */
  readonly spans: Int32Array;
}

/** The contents of one row. */
export interface RowPlan {
  /** The common prefix of all parts; may be empty. */
  readonly shared: Int32Array;
  /** The continuations. */
  readonly parts: readonly Int32Array[];
}

/** B rows of T tokens. */
export interface PackedRows {
  readonly B: number;
  readonly T: number;
  /** B*T ids; 0 after the last part. */
  readonly ids: Int32Array;
  readonly layout: PackedLayout;
  /** The first token of each part in each row, as b*T + t. */
  readonly starts: readonly (readonly number[])[];
}

/** The number of tokens in a row. */
export function packedLength({ shared, parts }: RowPlan): number {
  return parts.reduce((sum, part) => sum + part.length, shared.length);
}

/** Packs rows. @param T - at least the length of the longest */
export function packRows(plans: readonly RowPlan[], T: number): PackedRows {
  const B = plans.length;
  const ids = new Int32Array(B * T);
  const positions = new Int32Array(B * T);
  const spans = new Int32Array(2 * B * T);
  const starts = plans.map(({ shared, parts }, b) => {
    let t = 0;
    /** Appends tokens that see the row up to `sharedEnd`, and one another. */
    const place = (tokens: Int32Array, sharedEnd: number): number => {
      const [start, first] = [t, b * T + t];
      ids.set(tokens, first);
      for (let i = 0; i < tokens.length; i++, t++) {
        positions[first + i] = sharedEnd + i;
        spans.set([sharedEnd, start], 2 * (first + i));
      }
      return first;
    };
    place(shared, 0);
    const ofParts = parts.map((part) => place(part, shared.length));
    // Padding sees itself, because a softmax over no keys is undefined.
    for (; t < T; t++) spans[2 * (b * T + t) + 1] = t;
    return ofParts;
  });
  return { B, T, ids, layout: { positions, spans }, starts };
}
