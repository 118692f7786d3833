/**
 * Static vectors: one vector for each word piece, weighed by its rarity. The vector of a text is the normalised sum over
 * its pieces, so a pair costs microseconds and no backend.
 *
 *     vectors.safetensors     vectors  I8 [V,D]     scales  F16 [V]     pieces  U8: V lines of UTF-8
 *                             metadata: format, origin, license
 *
 * Piece v has the vector `vectors[v] * scales[v]`. Words are those of the folding of the model; each is split into the
 * longest known pieces from its start, of which those after the first begin with `##`. A letter that begins no known
 * piece is left out.
 *
 * Room `vectors/`: vectors without a backend: their file, and how they are distilled. Encoders are in `encoder/`.
 */
import * as v from 'valibot';
import { floatsToHalves } from '../checkpoint/float16.ts';
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
  /** D */
  readonly width: number;
  /** [V,D] */
  readonly values: Int8Array;
  /** [V] */
  readonly scales: Float32Array;
}

/** The bytes of a file of vectors. */
export function writeVectors({ pieces, width, values, scales, origin, license }: PieceVectors): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(pieces.join('\n'));
  const tensors = [
    { name: 'vectors', dtype: 'I8' as const, shape: [pieces.length, width], data: values },
    { name: 'scales', dtype: 'F16' as const, shape: [pieces.length], data: floatsToHalves(scales) },
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
  const [vectors, scales, text] = ['vectors', 'scales', 'pieces'].map((name) => tensors.get(name));
  const [V = 0, width = 0] = vectors?.shape ?? [];
  const pieces = new TextDecoder().decode(text?.data).split('\n');
  const isWhole =
    said.success &&
    vectors?.dtype === 'I8' &&
    vectors.shape.length === 2 &&
    scales?.dtype === 'F16' &&
    text?.dtype === 'U8' &&
    width > 0 &&
    V <= MOST_PIECES &&
    scales.shape.join() === String(V) &&
    new Set(pieces).size === V &&
    pieces.length === V;
  const floats = isWhole ? scales.toFloat32() : undefined;
  if (!isWhole || floats === undefined || !floats.every(Number.isFinite)) {
    throw new LabError('bad-checkpoint', {
      message: `${VECTORS_FILE} does not hold vectors of word pieces.`,
      expected: `a file of the format ${FORMAT}`,
      got: said.success ? 'tensors that do not fit together' : 'another format',
      fix: 'Take all files of the model from one folder, or make vectors with "lab recipe vectors".',
    });
  }
  const { data } = vectors;
  const values = new Int8Array(data.buffer, data.byteOffset, data.byteLength);
  return { pieces, width, values, scales: floats, origin: said.output.origin, license: said.output.license };
}

/** Vectors as a source of similarities. */
export class StaticVectors implements VectorSource {
  readonly #vectors: PieceVectors;
  readonly #folding: TextFolding;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #longest: number;
  /** The sums of words, because those of a corpus repeat. */
  readonly #words = new Map<string, Float32Array | undefined>();

  constructor(vectors: PieceVectors, folding: TextFolding) {
    this.#vectors = vectors;
    this.#folding = folding;
    this.#ids = new Map(vectors.pieces.map((piece, id) => [piece, id]));
    this.#longest = vectors.pieces.reduce((most, { length }) => Math.max(most, length), 0);
  }

  vectorOf(text: string): Float32Array | undefined {
    const sum = new Float32Array(this.#vectors.width);
    for (const word of this.#folding.words(text)) {
      const of = this.#wordVector(word);
      if (of !== undefined) for (let d = 0; d < sum.length; d++) sum[d] = (sum[d] ?? 0) + (of[d] ?? 0);
    }
    const length = Math.hypot(...sum);
    return length > 0 ? sum.map((value) => value / length) : undefined;
  }

  #wordVector(word: string): Float32Array | undefined {
    if (this.#words.has(word)) return this.#words.get(word);
    if (this.#words.size >= MOST_WORDS) this.#words.clear();
    const { width, values, scales } = this.#vectors;
    const ids = this.#piecesOf(word);
    const sum = new Float32Array(width);
    for (const id of ids) {
      const scale = scales[id] ?? 0;
      for (let d = 0; d < width; d++) sum[d] = (sum[d] ?? 0) + scale * (values[id * width + d] ?? 0);
    }
    const found = ids.length > 0 ? sum : undefined;
    this.#words.set(word, found);
    return found;
  }

  #piecesOf(word: string): number[] {
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

/** Words whose vectors are kept. */
const MOST_WORDS = 50_000;
