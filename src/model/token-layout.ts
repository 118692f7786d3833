/**
 * Where the tokens of a batch stand, where that is not one after the other: rows of a decoding that have come unequally
 * far, or one prompt followed by several completions that do not see each other.
 */

/** The places of B*T tokens and what each of them sees of S keys. */
export interface TokenLayout {
  /** The position of each token in its sequence, B*T. */
  readonly positions: Int32Array;
  /** B*T*S: 1 where a token sees a key, else 0. */
  readonly isVisible: Uint8Array;
}
