/**
 * Vectors of texts that an encoder has read, in memory and as a file, so that a text is read once. The file holds
 * hashes of texts and no text:
 *
 *     vectors  F16 [N,C]     keys  U8 [N,16], the first bytes of the SHA-256 of each text
 *     metadata: format, encoder (the SHA-256 of its files)
 *
 * Vectors are rounded to halves when they are added, so that kept ones give the same similarities as new ones.
 */
import * as v from 'valibot';
import { floatsToHalves, halvesToFloats } from '../checkpoint/float16.ts';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { hexOf, sha256Portable } from '../checkpoint/sha256.ts';
import { LabError } from '../common/errors.ts';

const FORMAT = 'afrl-kept-vectors-1';
const KEY_BYTES = 16;
/** Texts whose vectors are found without hashing: those of some lists, because a file has too many. */
const MOST_FOUND = 10_000;

const MetadataSchema = v.object({ format: v.literal(FORMAT), encoder: v.string() });

/** The vectors of one encoder by text. */
export class KeptVectors {
  /** The SHA-256 of the encoder's files. */
  readonly encoder: string;
  /** C */
  readonly width: number;
  /** By key: C halves. */
  readonly #halves: Map<string, Uint16Array>;
  /** The same by text, of those that were asked for, because hashing costs more than comparing. */
  readonly #found = new Map<string, Uint16Array>();

  constructor(encoder: string, width: number, halves: ReadonlyMap<string, Uint16Array> = new Map()) {
    this.encoder = encoder;
    this.width = width;
    this.#halves = new Map(halves);
  }

  get size(): number {
    return this.#halves.size;
  }

  /** [C] of a text; undefined for one that was never added. */
  get(text: string): Float32Array | undefined {
    const halves = this.#found.get(text) ?? this.#halves.get(keyOf(text));
    if (halves === undefined) return undefined;
    if (this.#found.size >= MOST_FOUND) this.#found.clear();
    this.#found.set(text, halves);
    return halvesToFloats(halves);
  }

  /** Adds the vector of a text. */
  add(text: string, vector: Float32Array): void {
    this.#halves.set(keyOf(text), floatsToHalves(vector));
    this.#found.delete(text);
  }

  /** The bytes of a file. */
  write(): Uint8Array<ArrayBuffer> {
    const { size, width: C } = this;
    const keys = new Uint8Array(size * KEY_BYTES);
    const vectors = new Uint16Array(size * C);
    let at = 0;
    for (const [key, halves] of this.#halves) {
      for (let b = 0; b < KEY_BYTES; b++) keys[at * KEY_BYTES + b] = Number.parseInt(key.slice(2 * b, 2 * b + 2), 16);
      vectors.set(halves, at * C);
      at += 1;
    }
    const tensors = [
      { name: 'vectors', dtype: 'F16' as const, shape: [size, C], data: vectors },
      { name: 'keys', dtype: 'U8' as const, shape: [size, KEY_BYTES], data: keys },
    ];
    return writeSafetensors(tensors, new Map(Object.entries({ format: FORMAT, encoder: this.encoder })));
  }

  /**
   * Reads a file of kept vectors.
   *
   * @param expected - the encoder that they have to be of
   * @throws {LabError} `bad-file`; `bad-checkpoint` if they are of another encoder, or it holds something else
   */
  static read(
    bytes: Uint8Array,
    fileName: string,
    expected: { readonly encoder: string; readonly width: number },
  ): KeptVectors {
    const { metadata, tensors } = readSafetensors(bytes, fileName);
    const said = v.safeParse(MetadataSchema, Object.fromEntries(metadata));
    const { encoder, width: C } = expected;
    const fail = (got: string): LabError =>
      new LabError('bad-checkpoint', {
        message: `${fileName} does not hold vectors that this encoder has kept.`,
        expected: `vectors of ${C} numbers of the encoder ${encoder.slice(0, 12)}`,
        got,
        fix: 'Name another file, which is made where it is missing.',
      });
    if (!said.success) throw fail('another format');
    if (said.output.encoder !== encoder) throw fail(`those of the encoder ${said.output.encoder.slice(0, 12)}`);
    const [vectors, keys] = [tensors.get('vectors'), tensors.get('keys')];
    const [N = 0] = keys?.shape ?? [];
    const isWhole =
      vectors?.dtype === 'F16' &&
      keys?.dtype === 'U8' &&
      vectors.shape.join() === `${N},${C}` &&
      keys.shape.join() === `${N},${KEY_BYTES}`;
    if (!isWhole) throw fail('tensors that do not fit together');
    const copied = vectors.data.slice(); // aligned
    const halves = new Uint16Array(copied.buffer, copied.byteOffset, N * C);
    const byKey = new Map<string, Uint16Array>();
    for (let i = 0; i < N; i++) {
      byKey.set(hexOf(keys.data.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)), halves.subarray(i * C, (i + 1) * C));
    }
    return new KeptVectors(encoder, C, byKey);
  }
}

function keyOf(text: string): string {
  return sha256Portable(new TextEncoder().encode(text)).slice(0, 2 * KEY_BYTES);
}
