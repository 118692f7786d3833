/**
 * Scoring a stream of pairs: windows of rows are scored in batches and come out in the order they went in, so that a
 * file of any size passes through a bounded amount of memory.
 */
import { encodePrompt, type EncodedPrompt } from '../data/tokenizer/encode-prompt.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import type { PromptField } from '../relevance/prompt/prompt.ts';
import { readPair } from '../relevance/rules/typed-document.ts';
import { type LabModel, promptRoom } from './lab-model.ts';
import { type LabelScore, scorePrompts } from './score.ts';

/** A pair with its score; `item` is what was given. */
export interface ScoredItem<T> {
  readonly item: T;
  readonly prompt: Int32Array;
  readonly score: LabelScore;
  readonly cutFields: readonly PromptField[];
}

/** Rows that are sorted by length and scored together. */
export const SCORE_WINDOW = 512;

/** Scores one pair from one prefill. @throws {LabError} `bad-config` if its prompt cannot be cut to fit */
export async function scorePair(model: LabModel, pair: Pair): Promise<LabelScore> {
  const { ids } = encodeFor(model, pair);
  const [score] = await scorePrompts(model.transformer, model.tokenizer.labelIds(model.prompt.scaleSize), [ids]);
  if (score === undefined) throw new RangeError('scorePair: no score for one prompt');
  return score;
}

/**
 * Scores pairs as they come.
 *
 * @throws {LabError} `aborted`
 */
export async function* scoreStream<T extends { readonly pair: Pair }>(
  model: LabModel,
  items: AsyncIterable<T>,
  signal?: AbortSignal,
): AsyncGenerator<ScoredItem<T>> {
  let window: T[] = [];
  for await (const item of items) {
    window.push(item);
    if (window.length < SCORE_WINDOW) continue;
    yield* await scoreWindow(model, window, signal);
    window = [];
    await measureVariants(signal); // of kernels that ran for the first time: the file is a long one
  }
  yield* await scoreWindow(model, window, signal);
}

async function scoreWindow<T extends { readonly pair: Pair }>(
  model: LabModel,
  items: readonly T[],
  signal: AbortSignal | undefined,
): Promise<ScoredItem<T>[]> {
  const encoded = items.map(({ pair }) => encodeFor(model, pair));
  const prompts = encoded.map(({ ids }) => ids);
  const labelIds = model.tokenizer.labelIds(model.prompt.scaleSize);
  const scores = await scorePrompts(model.transformer, labelIds, prompts, { signal });
  return items.flatMap((item, i) => {
    const [score, encoding] = [scores[i], encoded[i]];
    if (score === undefined || encoding === undefined) return [];
    return [{ item, prompt: encoding.ids, score, cutFields: encoding.cutFields }];
  });
}

/**
 * The prompt of a pair as a model reads it, cut to leave room for an answer.
 *
 * @throws {LabError} `bad-config` if it cannot be cut to fit
 */
export function encodeFor(model: LabModel, pair: Pair): EncodedPrompt {
  return encodePrompt(model.tokenizer, readPair(model, pair), model.prompt, promptRoom(model));
}
