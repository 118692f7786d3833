/**
 * Static vectors: one vector for each word piece, weighed by its rarity. The vector of a text is the normalised sum
 * over its pieces, so a pair costs microseconds and no backend.
 *
 *     vectors.safetensors     vectors  U8 [V,G,D/G/2], two 4-bit numbers a byte     vectors.scales  F16 [V,G]
 *                             pieces   U8: V lines of UTF-8     metadata: format, origin, license
 *
 * The matrix is quantised in G groups a row (checkpoint/quantised.ts). Words are those of the folding of the model;
 * each is split into the longest known pieces from its start, of which those after the first begin with `##`. A letter
 * that begins no known piece is left out.
 *
 * Room `vectors/`: vectors without a backend: their file, and how they are distilled. Encoders are in `encoder/`.
 */
import * as v from 'valibot';
import { dequantise, type QuantisedData } from '../checkpoint/quantised.ts';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import type { TextFolding } from '../relevance/pair/folding.ts';
import type { VectorSource } from '../relevance/prompt/meaning.ts';

/** The name of the file in a model folder. */
export const VECTORS_FILE = 'vectors.safetensors';
const FORMAT = 'afrl-vectors-1';
/** More pieces than any tokenizer has. */
const MOST_PIECES = 2 ** 20;

/** What the file says of its origin. */
export interface VectorsOrigin {
  /** The encoder, and how vectors were made from it. */
  readonly origin: string;
  readonly license: string;
}

/** Vectors as they are stored. */
export interface PieceVectors extends VectorsOrigin {
  readonly pieces: readonly string[];
  /** [V,D] */
  readonly matrix: QuantisedData;
}

/** The bytes of a file of vectors. */
export function writeVectors({ pieces, matrix, origin, license }: PieceVectors): Uint8Array<ArrayBuffer> {
  const [V, D] = matrix.shape;
  const text = new TextEncoder().encode(pieces.join('\n'));
  const groups = matrix.scales.length / V;
  const tensors = [
    { name: 'vectors', dtype: 'U8' as const, shape: [V, groups, D / groups / 2], data: matrix.values },
    { name: 'vectors.scales', dtype: 'F16' as const, shape: [V, groups], data: matrix.scales },
    { name: 'pieces', dtype: 'U8' as const, shape: [text.length], data: text },
  ];
  return writeSafetensors(tensors, new Map(Object.entries({ format: FORMAT, origin, license })));
}

const MetadataSchema = v.object({ format: v.literal(FORMAT), origin: v.string(), license: v.string() });

/**
 * Reads a file of vectors.
 *
 * @throws {LabError} `bad-file`, or `bad-checkpoint` if it holds something else than vectors
 */
export function readVectors(bytes: Uint8Array): PieceVectors {
  const { metadata, tensors } = readSafetensors(bytes, VECTORS_FILE);
  const said = v.safeParse(MetadataSchema, Object.fromEntries(metadata));
  const [vectors, scales, text] = ['vectors', 'vectors.scales', 'pieces'].map((name) => tensors.get(name));
  const [V = 0, groups = 0, inGroup = 0] = vectors?.shape ?? [];
  const pieces = new TextDecoder().decode(text?.data).split('\n');
  const isWhole =
    said.success &&
    vectors?.dtype === 'U8' &&
    scales?.dtype === 'F16' &&
    text?.dtype === 'U8' &&
    vectors.shape.length === 3 &&
    groups * inGroup > 0 &&
    V <= MOST_PIECES &&
    scales.shape.join() === `${V},${groups}` &&
    new Set(pieces).size === V &&
    pieces.length === V;
  if (!isWhole || !scales.toFloat32().every(Number.isFinite)) {
    throw new LabError('bad-checkpoint', {
      message: `${VECTORS_FILE} does not hold vectors of word pieces.`,
      expected: `a file of the format ${FORMAT}`,
      got: said.success ? 'tensors that do not fit together' : 'another format',
      fix: 'Take all files of the model from one folder, or make vectors with "lab recipe vectors".',
    });
  }
  const halves = scales.data.slice(); // aligned
  const matrix: QuantisedData = {
    shape: [V, groups * inGroup * 2],
    bits: 4,
    values: vectors.data,
    scales: new Uint16Array(halves.buffer, halves.byteOffset, halves.byteLength / 2),
  };
  return { pieces, matrix, origin: said.output.origin, license: said.output.license };
}

/** Splits words into the longest known pieces. */
export class PieceTable {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #longest: number;

  constructor(pieces: readonly string[]) {
    this.#ids = new Map(pieces.map((piece, id) => [piece, id]));
    this.#longest = pieces.reduce((most, { length }) => Math.max(most, length), 0);
  }

  /** The ids of a word's pieces; letters that begin none are left out. */
  split(word: string): number[] {
    const ids: number[] = [];
    for (let start = 0; start < word.length;) {
      const prefix = start === 0 ? '' : '##';
      let end = Math.min(word.length, start + this.#longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = this.#ids.get(prefix + word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id !== undefined) ids.push(id);
      start = Math.max(end, start + 1);
    }
    return ids;
  }
}

/** Vectors as a source of similarities. */
export class StaticVectors implements VectorSource {
  readonly #width: number;
  /** [V,D] */
  readonly #rows: Float32Array;
  readonly #folding: TextFolding;
  readonly #table: PieceTable;
  /** The sums of words, because those of a corpus repeat. */
  readonly #words = new Map<string, Float32Array | undefined>();

  /** @param folding - of the model that compares */
  constructor({ pieces, matrix }: PieceVectors, folding: TextFolding) {
    [, this.#width] = matrix.shape;
    this.#rows = dequantise(matrix);
    this.#folding = folding;
    this.#table = new PieceTable(pieces);
  }

  vectorOf(text: string): Float32Array | undefined {
    const sum = new Float32Array(this.#width);
    for (const word of this.#folding.words(text)) {
      const vector = this.#wordVector(word);
      if (vector !== undefined) addTo(sum, vector);
    }
    const length = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
    return length > 0 ? sum.map((value) => value / length) : undefined;
  }

  #wordVector(word: string): Float32Array | undefined {
    if (this.#words.has(word)) return this.#words.get(word);
    if (this.#words.size >= MOST_WORDS) this.#words.clear();
    const ids = this.#table.split(word);
    const sum = new Float32Array(this.#width);
    for (const id of ids) addTo(sum, this.#rows.subarray(id * this.#width, (id + 1) * this.#width));
    const found = ids.length > 0 ? sum : undefined;
    this.#words.set(word, found);
    return found;
  }
}

/** Words whose vectors are kept. */
const MOST_WORDS = 50_000;

function addTo(sum: Float32Array, vector: Float32Array): void {
  for (let d = 0; d < sum.length; d++) sum[d] = (sum[d] ?? 0) + (vector[d] ?? 0);
}
