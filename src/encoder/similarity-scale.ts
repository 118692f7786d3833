/**
 * Cosines of one source on the scale of another. Encoders differ in what they give to texts that have nothing in
 * common: about 0.1 for all-MiniLM-L6-v2, 0.7 and more for others. A line through two points brings them together: the
 * mean of unrelated texts, and 1 for equal ones. No judgment is used.
 */
import { LabError } from '../common/errors.ts';
import { cosine, type VectorSource } from '../relevance/prompt/meaning.ts';
import type { SentenceEncoder } from './sentence-encoder.ts';

/** Texts as one searches for and finds, of which no two are about the same thing. */
const UNRELATED = [
  'cordless drill 18 v',
  'Linen tablecloth, white, 150 cm',
  'wireless noise cancelling headphones',
  'A young wizard goes to school',
  'Garden hose with brass fittings, 20 m',
  'gluten free pasta',
  'Ballpoint pen, blue, pack of 50',
  'laptop 15 inch 16 gb ram',
  'documentary about whales',
  'Running shoes for women, size 39',
  'fix a leaking tap',
  'Memory card 128 GB, class 10',
  'Romantic comedy set in Paris',
  'dog food for puppies',
  'Office chair with armrests, black leather',
  'electric guitar strings',
  'Bank robbers on the run',
  'Waterproof jacket for children',
  'ink cartridge for laser printer',
  'Baking tin, non-stick, 26 cm',
  'history of ancient Rome',
  'Bicycle helmet, red',
  'vitamin d tablets',
  'Space crew meets an alien',
];

/** Maps a cosine of the encoder onto the scale of other vectors. */
export type OnScale = (cosine: number) => number;

/**
 * Finds the scale of an encoder.
 *
 * @param vectors - whose scale is wanted
 * @throws {LabError} `bad-checkpoint` for an encoder that gives all texts the same vector
 */
export async function scaleOf(
  encoder: Pick<SentenceEncoder, 'encode'>,
  vectors: Pick<VectorSource, 'vectorOf'>,
  signal?: AbortSignal,
): Promise<OnScale> {
  const from = meanCosine(await encoder.encode(UNRELATED, signal));
  const to = meanCosine(UNRELATED.map((text) => vectors.vectorOf(text)));
  if (!(from < MOST_ALIKE)) {
    throw new LabError('bad-checkpoint', {
      message: 'The encoder tells no texts apart.',
      expected: `a mean similarity of unrelated texts below ${MOST_ALIKE}`,
      got: from.toFixed(4),
      fix: 'Name the folder of a sentence encoder, such as all-MiniLM-L6-v2.',
    });
  }
  return (value) => to + ((value - from) * (1 - to)) / (1 - from);
}

/** Above it rounding decides. */
const MOST_ALIKE = 0.99;

/** The mean over all pairs of different texts. */
function meanCosine(vectors: readonly (Float32Array | undefined)[]): number {
  let [sum, pairs] = [0, 0];
  for (const [i, one] of vectors.entries()) {
    for (const other of vectors.slice(i + 1)) {
      sum += cosine(one, other);
      pairs += 1;
    }
  }
  return sum / pairs;
}
