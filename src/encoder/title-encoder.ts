/**
 * A sentence encoder in the place of static vectors: it compares queries with titles. A title has a dozen tokens where
 * a document has hundreds, so this costs little; passages stay with the static vectors. The model has learned from
 * static similarities alone and is asked as it is (docs/log.md: models that learn the encoder's own are no better).
 *
 * Texts are read before pairs are shown, because showing is synchronous and encoding is not.
 */
import { throwIfAborted } from '../common/errors.ts';
import type { LabDocument, Pair } from '../relevance/pair/pair.ts';
import { cosine, type VectorSource } from '../relevance/prompt/meaning.ts';
import type { KeptVectors } from '../vectors/kept-vectors.ts';
import type { SentenceEncoder } from './sentence-encoder.ts';
import type { OnScale } from './similarity-scale.ts';

/** Texts that are encoded between two reports; they are sorted by length among each other. */
const TEXTS_AT_ONCE = 512;

/** How texts are read. */
export interface TitleReading {
  readonly signal?: AbortSignal | undefined;
  /** Called after each part with the number of texts read by then, and of all new ones. */
  readonly onProgress?: ((read: number, all: number) => void | Promise<void>) | undefined;
}

/** Similarities of titles by an encoder, of passages by other vectors. */
export class TitleEncoder implements VectorSource {
  readonly #encoder: Pick<SentenceEncoder, 'encode'>;
  readonly #passages: VectorSource;
  readonly #kept: KeptVectors;
  readonly #onScale: OnScale;

  /**
   * @param passages - what passages are compared by, and pairs that were never read
   * @param kept - the vectors that the encoder has made before; new ones are added
   * @param onScale - brings its cosines to the scale of the other vectors
   */
  constructor(encoder: Pick<SentenceEncoder, 'encode'>, passages: VectorSource, kept: KeptVectors, onScale: OnScale) {
    this.#encoder = encoder;
    this.#passages = passages;
    this.#kept = kept;
    this.#onScale = onScale;
  }

  vectorOf(text: string): Float32Array | undefined {
    return this.#passages.vectorOf(text);
  }

  titleSimilarity({ query, document }: Pair): number | undefined {
    const [a, b] = [this.#kept.get(query), this.#kept.get(titleOf(document))];
    return a === undefined || b === undefined ? undefined : this.#onScale(cosine(a, b));
  }

  /**
   * Encodes the queries and titles of pairs that it has not read before.
   *
   * @returns the number of new texts
   * @throws {LabError} `aborted`; `not-finite`
   */
  async read(pairs: Iterable<Pair>, { signal, onProgress }: TitleReading = {}): Promise<number> {
    const texts = new Set<string>();
    for (const { query, document } of pairs) texts.add(query).add(titleOf(document));
    const fresh = [...texts].filter((text) => this.#kept.get(text) === undefined);
    for (let at = 0; at < fresh.length; at += TEXTS_AT_ONCE) {
      throwIfAborted(signal);
      const some = fresh.slice(at, at + TEXTS_AT_ONCE);
      const vectors = await this.#encoder.encode(some, signal);
      for (const [i, text] of some.entries()) this.#kept.add(text, vectors[i] ?? new Float32Array(this.#kept.width));
      await onProgress?.(at + some.length, fresh.length);
    }
    return fresh.length;
  }
}

/** What the encoder reads of a document: its title, or its text where it has none. */
function titleOf({ title, text }: LabDocument): string {
  return title === '' ? text : title;
}
