/**
 * What a folding of text is. A word is a run of letters and digits, except that a number is apart from the unit written to it
 * ("500ml" is "500" and "ml") and keeps its decimals.
 */

/** The versions of folding, oldest first: plain-folding.ts and unicode-folding.ts. */
export const FOLDING_VERSIONS = [1, 2] as const;
export type FoldingVersion = (typeof FOLDING_VERSIONS)[number];

/** One way to fold and split text. All methods are pure. */
export interface TextFolding {
  readonly version: FoldingVersion;
  /** A text in the letters that words are made of, with single spaces and none at its ends. Idempotent. */
  fold(text: string): string;
  /** The folded words in order, stop words included; apostrophes are dropped ("men's" is "mens"). */
  words(text: string): string[];
}

// Letters first may carry digits ("x200"); digits first end where letters begin ("500ml"). \p{M} keeps combining marks in words.
export const WORD = /\p{N}+(?:[.,]\p{N}+)*|\p{L}[\p{L}\p{M}\p{N}]*/gu;
