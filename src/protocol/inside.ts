/** What a model computes on the way to an answer, as it crosses threads and is written as JSON. */
import * as v from 'valibot';
import { DOCUMENT_FIELDS } from '../relevance/pair/pair.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1.000001));

export const InsideSchema = v.strictObject({
  /** The answer, with the probabilities of its R labels. */
  label: count,
  probabilities: v.array(share),
  /** The words of the prompt: the tokens of a word are joined, and each special token is a word of its own. */
  words: v.array(
    v.strictObject({
      text: v.string(),
      /** Where the word is from; null outside of query and document, as of hints. */
      field: v.nullable(v.picklist(['query', ...DOCUMENT_FIELDS])),
      isSpecial: v.boolean(),
      /** How many tokens it has. */
      tokens: count,
    }),
  ),
  /** What the place where the label is predicted attends to: L layers of H heads of shares of words, each sums to 1. */
  attention: v.array(v.array(v.array(share))),
  /**
   * What the label would be if the model ended before its first layer (entry 0) or after one: the residual stream of
   * that place through the final norm and the head. The last entry is the answer.
   */
  lens: v.array(v.strictObject({ probabilities: v.array(share), labelMass: share })),
  /** The completion, token by token, the label first. */
  tokens: v.array(
    v.strictObject({
      text: v.string(),
      isSpecial: v.boolean(),
      /** Of the distribution over the whole vocabulary at temperature 1, whatever the completion was held to. */
      entropyNats: v.pipe(v.number(), v.minValue(-1e-3)),
      /** Of this token in that distribution. */
      probability: share,
    }),
  ),
});
export type Inside = v.InferOutput<typeof InsideSchema>;

/**
 * Shares of attention by word.
 *
 * @param layer - from 1; default the mean over all
 * @param head - from 1; default the mean over all
 */
export function shownAttention({ attention, words }: Inside, layer?: number, head?: number): number[] {
  const layers = layer === undefined ? attention : attention.slice(layer - 1, layer);
  const shown = layers.flatMap((heads) => (head === undefined ? heads : heads.slice(head - 1, head)));
  return words.map((_, i) => shown.reduce((sum, shares) => sum + (shares[i] ?? 0), 0) / Math.max(1, shown.length));
}
