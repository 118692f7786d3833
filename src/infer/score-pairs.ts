/**
 * Scores a stream of pairs: windows of rows are scored in batches and returned in the original order, so that a file of
 * any size needs a bounded amount of memory.
 */
import { LabError } from '../common/errors.ts';
import { encodePrompt, type EncodedPrompt } from '../data/tokenizer/encode-prompt.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import { withOwnMeaning } from '../relevance/prompt/meaning.ts';
import type { PromptField } from '../relevance/prompt/prompt.ts';
import { readPair } from '../relevance/rules/typed-document.ts';
import { isRules, type RulesModel, scoreByRules } from './rules-model.ts';
import { type LabModel, promptRoom } from './lab-model.ts';
import { type LabelScore, scorePrompts } from './score.ts';

/** A pair with its score; `item` is the input. */
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

/** The names of items, and the handling of those that cannot be scored. */
export interface StreamHooks<T> {
  /** The name of an item in errors, default by its query. */
  readonly nameOf?: (item: T) => string;
  /** Called with an item that cannot become a prompt, which is then left out; without it the error is thrown. */
  readonly onUnfit?: (item: T, error: LabError) => void;
}

/**
 * Scores pairs as they arrive.
 *
 * @throws {LabError} `aborted`; `not-finite` naming the item whose score is not a number
 */
export async function* scoreStream<T extends { readonly pair: Pair }>(
  model: LabModel | RulesModel,
  items: AsyncIterable<T>,
  signal?: AbortSignal,
  hooks: StreamHooks<T> = {},
): AsyncGenerator<ScoredItem<T>> {
  if (isRules(model)) {
    for await (const { item, score } of scoreByRules(model, items, signal, hooks.onUnfit)) {
      yield { item, prompt: new Int32Array(), score, cutFields: [] };
    }
    return;
  }
  // An item that cannot become a prompt takes no place in a window, because windows must not depend on it.
  let window: EncodedItem<T>[] = [];
  for await (const item of items) {
    window.push(...encodedItem(model, item, hooks.onUnfit));
    if (window.length < SCORE_WINDOW) continue;
    yield* await scoreWindow(model, window, signal, hooks);
    window = [];
    await measureVariants(signal); // now, because a long file repays it
  }
  yield* await scoreWindow(model, window, signal, hooks);
}

type EncodedItem<T> = Omit<ScoredItem<T>, 'score'>;

async function scoreWindow<T extends { readonly pair: Pair }>(
  model: LabModel,
  encoded: readonly EncodedItem<T>[],
  signal: AbortSignal | undefined,
  { nameOf = ({ pair }) => `the pair of the query "${pair.query.slice(0, 60)}"` }: StreamHooks<T>,
): Promise<ScoredItem<T>[]> {
  const prompts = encoded.map(({ prompt }) => prompt);
  const labelIds = model.tokenizer.labelIds(model.prompt.scaleSize);
  const nameAt = (index: number): string => {
    const item = encoded[index]?.item;
    return item === undefined ? `prompt ${index + 1}` : nameOf(item);
  };
  const scores = await scorePrompts(model.transformer, labelIds, prompts, { signal, nameOf: nameAt });
  return encoded.flatMap((each, i) => {
    const score = scores[i];
    return score === undefined ? [] : [{ ...each, score }];
  });
}

/** An item with its prompt; none if it cannot become one and there is `onUnfit`. */
function encodedItem<T extends { readonly pair: Pair }>(
  model: LabModel,
  item: T,
  onUnfit: StreamHooks<T>['onUnfit'],
): EncodedItem<T>[] {
  try {
    const { ids, cutFields } = encodeFor(model, item.pair);
    return [{ item, prompt: ids, cutFields }];
  } catch (error) {
    if (onUnfit === undefined || !(error instanceof LabError)) throw error;
    onUnfit(item, error);
    return [];
  }
}

/** A pair with its similarities of meaning, if the model has vectors and they are not known yet. */
function meant({ vectors }: LabModel, pair: Pair): Pair {
  return vectors === undefined || pair.meaning !== undefined ? pair : withOwnMeaning(pair, vectors.source);
}

/**
 * The prompt of a pair as a model reads it, cut to leave room for an answer.
 *
 * @throws {LabError} `bad-config` if it cannot be cut to fit
 */
export function encodeFor(model: LabModel, pair: Pair): EncodedPrompt {
  return encodePrompt(model.tokenizer, readPair(model, meant(model, pair)), model.prompt, promptRoom(model));
}
