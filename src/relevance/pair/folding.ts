/**
 * The interface of text folding. A word is a run of letters and digits, except that a number is split from an attached
 * unit ("500ml" is "500" and "ml") and keeps its decimals.
 */

/** The versions of folding, oldest first: plain-folding.ts and unicode-folding.ts. */
export const FOLDING_VERSIONS = [1, 2] as const;
export type FoldingVersion = (typeof FOLDING_VERSIONS)[number];

/** One way to fold and split text. All methods are pure. */
export interface TextFolding {
  readonly version: FoldingVersion;
  /** The text in folded letters, with single spaces and none at its ends. Idempotent. */
  fold(text: string): string;
  /** The folded words in order, stop words included; apostrophes are dropped ("men's" is "mens"). */
  words(text: string): string[];
}

// A word that starts with letters may contain digits ("x200"); a number ends at a letter ("500ml"). \p{M} keeps marks.
export const WORD = /\p{N}+(?:[.,]\p{N}+)*|\p{L}[\p{L}\p{M}\p{N}]*/gu;
