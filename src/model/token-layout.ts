/**
 * Where the tokens of a batch over a key-value cache stand, where its sequences have come unequally far. (Packed rows, which
 * have no cache, are laid out by data/packed-rows.ts.)
 */

/** The places of B*T tokens and what each of them sees of S keys. */
export interface TokenLayout {
  /** The position of each token in its sequence, B*T. */
  readonly positions: Int32Array;
  /** B*T*S: 1 where a token sees a key, else 0. */
  readonly isVisible: Uint8Array;
}
