/**
 * The queries that a model was trained on, so that an evaluation on a file can report how many of them the model has
 * seen. A model keeps hashes of its queries, not the queries; if there are very many, only the lowest hashes, a random
 * sample.
 */
import * as v from 'valibot';
import { hash32 } from '../common/rng.ts';
import { normaliseQuery } from './splits.ts';

/** The most hashes kept: 64 KiB. */
const MAX_HASHES = 16_384;
const HASH_BYTES = 4;

/** The schema of the stored query hashes. */
export const KeptQueriesSchema = v.strictObject({
  /** The number of distinct queries. */
  count: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** The lowest 32-bit hashes in ascending order, little-endian, in base64. */
  hashes: v.pipe(v.string(), v.base64()),
});
export type KeptQueries = v.InferOutput<typeof KeptQueriesSchema>;

/** The record of the queries that a model is trained on. */
export function keepQueries(queries: Iterable<string>): KeptQueries {
  return kept(new Set(Array.from(queries, hashOf)));
}

/** The record for a model trained on both sets of queries. The count is a lower bound if hashes were dropped. */
export function mergeQueries(first: KeptQueries | undefined, second: KeptQueries): KeptQueries {
  if (first === undefined) return second;
  const merged = kept(new Set([...hashesIn(first), ...hashesIn(second)]));
  return { ...merged, count: Math.max(merged.count, first.count, second.count) };
}

/** Recognises queries that a model was trained on. */
export class TrainedQueries {
  readonly #hashes: ReadonlySet<number>;
  /** Hashes above it were dropped. */
  readonly #highest: number;

  constructor(queries: KeptQueries) {
    const hashes = hashesIn(queries);
    this.#hashes = new Set(hashes);
    this.#highest = hashes.length < queries.count ? (hashes.at(-1) ?? -1) : Infinity;
  }

  /** Whether a query was trained on; undefined if the model kept too few hashes to know. */
  has(query: string): boolean | undefined {
    const hash = hashOf(query);
    return hash > this.#highest ? undefined : this.#hashes.has(hash);
  }
}

function hashOf(query: string): number {
  return hash32(normaliseQuery(query));
}

function kept(hashes: ReadonlySet<number>): KeptQueries {
  const lowest = Uint32Array.from(hashes).sort().subarray(0, MAX_HASHES);
  const bytes = new DataView(new ArrayBuffer(lowest.length * HASH_BYTES));
  for (const [i, hash] of lowest.entries()) bytes.setUint32(i * HASH_BYTES, hash, true);
  const characters = Array.from(new Uint8Array(bytes.buffer), (byte) => String.fromCharCode(byte));
  return { count: hashes.size, hashes: btoa(characters.join('')) };
}

function hashesIn({ hashes }: KeptQueries): number[] {
  const characters = atob(hashes);
  const bytes = Uint8Array.from(characters, (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, i) => view.getUint32(i * HASH_BYTES, true));
}
