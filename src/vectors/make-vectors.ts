/**
 * Distils static vectors from an encoder: each word piece is read alone, principal components are kept, and each is
 * weighed by the rarity of its piece in some documents. No judgment is used.
 */
import { quantise } from '../checkpoint/quantised.ts';
import type { TextFolding } from '../relevance/pair/folding.ts';
import { PieceTable, type PieceVectors, type VectorsOrigin } from './static-vectors.ts';
import { principalComponents } from './principal-components.ts';

/** The pieces that get vectors. */
export interface ChosenPieces {
  /** Their indices among all pieces, ascending. */
  readonly ids: readonly number[];
  readonly pieces: readonly string[];
  /** The rarity of each: the log of the number of documents over that of those that have it. */
  readonly rarity: readonly number[];
}

/**
 * Chooses pieces: those that the documents have first, then the most frequent.
 *
 * @param all - the pieces of an encoder, the most frequent first but for its own marks
 * @param documents - for the rarity of pieces
 * @param most - pieces to choose
 */
export function choosePieces(
  all: readonly string[],
  documents: readonly string[],
  folding: TextFolding,
  most: number,
): ChosenPieces {
  const usable = [...all.keys()].filter((id) => isUsable(all[id] ?? ''));
  const table = new PieceTable(usable.map((id) => all[id] ?? ''));
  const documentsWith = new Int32Array(usable.length);
  for (const text of documents) {
    for (const place of new Set(folding.words(text).flatMap((word) => table.split(word)))) {
      documentsWith[place] = (documentsWith[place] ?? 0) + 1;
    }
  }
  const isSeen = (place: number): number => Number((documentsWith[place] ?? 0) > 0);
  const places = [...usable.keys()]
    .toSorted((a, b) => isSeen(b) - isSeen(a) || a - b)
    .slice(0, most)
    .toSorted((a, b) => a - b);
  const ids = places.map((place) => usable[place] ?? 0);
  return {
    ids,
    pieces: ids.map((id) => all[id] ?? ''),
    rarity: places.map((place) => Math.log((documents.length + 1) / ((documentsWith[place] ?? 0) + 1))),
  };
}

/**
 * The vectors of chosen pieces.
 *
 * @param alone - V*C numbers: each piece alone through the encoder
 * @param width - D, a multiple of 32
 */
export function makeVectors(
  { pieces, rarity }: ChosenPieces,
  alone: Float32Array,
  width: number,
  origin: VectorsOrigin,
): PieceVectors {
  const components = principalComponents(alone, alone.length / pieces.length, width);
  const weighed = components.map((value, i) => value * (rarity[Math.floor(i / width)] ?? 0));
  return { pieces, matrix: quantise(weighed, [pieces.length, width], 4), ...origin };
}

/** Whether a piece can be a part of a word: marks and punctuation never are. */
function isUsable(piece: string): boolean {
  return /^(?:##)?[\p{L}\p{M}\p{N}]+$/u.test(piece);
}
