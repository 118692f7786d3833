/**
 * Inside an answer: what the model attends to where it predicts the label, what the label would be after each layer
 * (the logit lens), and how uncertain the policy is at each token that it writes.
 *
 * The pair is answered as ever; prompt and completion are then read in one observed pass, in which each token sees what
 * it saw when it was written.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecodingKind } from '../config/decoding.ts';
import { LabError } from '../common/errors.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import {
  forwardObserved,
  logits,
  type ObservedAttention,
  streamLogits,
  type Transformer,
} from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { labelLogProbs } from '../ops/label-log-probs.ts';
import { tokenScores } from '../ops/token-scores.ts';
import type { Inside } from '../protocol/inside.ts';
import type { LabelEvent } from '../protocol/scoring.ts';
import { DOCUMENT_FIELDS, type Pair } from '../relevance/pair/pair.ts';
import {
  ATTRIBUTE_NAME,
  ATTRIBUTE_VALUE,
  CUT,
  fieldToken,
  QUERY,
  VERDICTS,
  verdictToken,
} from '../relevance/pair/vocabulary.ts';
import type { PromptField } from '../relevance/prompt/prompt.ts';
import { answerPair } from './answer.ts';
import type { LabModel } from './lab-model.ts';
import { encodeFor } from './score-pairs.ts';

export interface InsideOptions {
  /** As in {@link answerPair}. */
  readonly decoding?: DecodingKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Answers a pair and looks inside. Takes about twice the time of the answer.
 *
 * @throws {LabError} as {@link answerPair}
 */
export async function lookInside(
  model: LabModel,
  pair: Pair,
  { decoding, signal }: InsideOptions = {},
): Promise<Inside> {
  const { tokenizer, prompt, transformer } = model;
  let answer: LabelEvent | undefined;
  const written: number[] = [];
  await answerPair(model, pair, {
    decoding,
    signal,
    emit: (event) => {
      if (event.kind === 'label') answer = event;
    },
    onToken: (id) => void written.push(id),
  });
  if (answer === undefined) throw new LabError('internal', { message: 'The pair has no answer.' });
  const { ids } = encodeFor(model, pair);
  const completion = Int32Array.from(written);
  const reading = await readInside(transformer, ids, completion, tokenizer.labelIds(prompt.scaleSize));
  const words = wordsOf(tokenizer, ids);
  const texts = tokenizer.tokenTexts(completion);
  return {
    label: answer.label,
    probabilities: answer.probabilities,
    words: words.map(({ ids: own, ...word }) => ({ ...word, tokens: own.length })),
    attention: reading.attention.map((heads) => heads.map((shares) => joined(shares, words))),
    lens: reading.labelLogProbs.map(lensOf),
    tokens: [...completion].map((id, i) => ({
      text: texts[i] ?? '',
      isSpecial: tokenizer.tokenOf(id).kind === 'special',
      entropyNats: reading.entropies[i] ?? NaN,
      probability: Math.min(1, Math.exp(reading.logProbs[i] ?? NaN)),
    })),
  };
}

/** Numbers of one observed pass. */
export interface InsideReading {
  /** Of L layers, H heads and the P tokens of the prompt. */
  readonly attention: readonly (readonly Float32Array[])[];
  /** Before the first of L layers and after each, of R labels. In nats. */
  readonly labelLogProbs: readonly Float32Array[];
  /** At each of the tokens that follow the prompt, in nats. */
  readonly entropies: Float32Array;
  readonly logProbs: Float32Array;
}

/**
 * Reads a prompt of P tokens and a completion of at least one.
 *
 * @param labelIds - the tokens of R labels
 */
export async function readInside(
  model: Transformer,
  prompt: Int32Array,
  completion: Int32Array,
  labelIds: readonly number[],
): Promise<InsideReading> {
  const { layers: L, heads: H } = model.config;
  const [P, R, n] = [prompt.length, labelIds.length, completion.length];
  const ids = Int32Array.of(...prompt, ...completion.subarray(0, n - 1));
  const last = Int32Array.of(P - 1); // the place where the label is predicted
  const read = tf.tidy(() => {
    const streams: tf.Tensor2D[] = [];
    const shares: tf.Tensor2D[] = [];
    const hidden = forwardObserved(
      model,
      { B: 1, T: ids.length, ids },
      {
        onStream: (_layer, stream) => void streams.push(selectRows(stream, last)), // [T,C] -> [1,C]
        onAttention: (_layer, seen) => void shares.push(attentionOf(seen, P - 1)), // [H,P]
      },
    );
    const next = logits(
      model,
      selectRows(
        hidden,
        Int32Array.from({ length: n }, (_, i) => P - 1 + i),
      ),
    ); // [n,V]
    const scores = tokenScores(next, completion);
    return {
      attention: tf.stack(shares), // [L,H,P]
      labels: labelLogProbs(streamLogits(model, tf.concat(streams)), labelIds), // [L+1,C] -> [L+1,R]
      entropies: scores.entropies(),
      logProbs: scores.logProbs,
    };
  });
  try {
    const { attention, labels, entropies, logProbs } = read;
    const all = await attention.data<'float32'>(); // GPU -> CPU sync
    const ofLabels = await labels.data<'float32'>();
    return {
      attention: parts(all, L).map((layer) => parts(layer, H)),
      labelLogProbs: Array.from({ length: L + 1 }, (_, layer) => ofLabels.subarray(layer * R, (layer + 1) * R)),
      entropies: await entropies.data<'float32'>(),
      logProbs: await logProbs.data<'float32'>(),
    };
  } finally {
    tf.dispose({ ...read });
  }
}

/**
 * What one query attends to, recomputed from the queries and keys that the layer's own attention read, because a fused
 * kernel never holds the shares.
 *
 * @param t - the place of the query
 * @returns the shares of the keys up to it, `[H,t+1]`
 */
export function attentionOf({ q, k }: ObservedAttention, t: number): tf.Tensor2D {
  const [, , H, D] = q.shape;
  const [, , K] = k.shape;
  return tf.tidy(() => {
    const query = tf.reshape(tf.slice(q, [0, t, 0, 0], [1, 1, H, D]), [K, H / K, D]); // [1,1,H,D] -> [K,H/K,D]
    const keys: tf.Tensor = tf.transpose(tf.slice(k, [0, 0, 0, 0], [1, t + 1, K, D]), [0, 2, 1, 3]); // -> [1,K,t+1,D]
    const scores = tf.matMul(tf.mul(query, 1 / Math.sqrt(D)), tf.reshape(keys, [K, t + 1, D]), false, true);
    return tf.reshape(tf.softmax(scores), [H, t + 1]); // [K,H/K,t+1] -> [H,t+1]
  });
}

function parts(values: Float32Array, count: number): Float32Array[] {
  const size = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function lensOf(logProbs: Float32Array): Inside['lens'][number] {
  const masses = Array.from(logProbs, (logProb) => Math.exp(logProb));
  const labelMass = masses.reduce((sum, mass) => sum + mass, 0);
  // Relative to the likeliest, because a stream that is far from an answer leaves labels almost no probability.
  const most = Math.max(...logProbs);
  const relative = Array.from(logProbs, (logProb) => Math.exp(logProb - most));
  const total = relative.reduce((sum, mass) => sum + mass, 0);
  return { probabilities: relative.map((mass) => mass / total), labelMass: Math.min(1, labelMass) };
}

interface PromptWord {
  readonly text: string;
  readonly field: PromptField | null;
  readonly isSpecial: boolean;
  readonly ids: number[];
}

/** The words of a prompt: a word begins after a special token or with a space. */
function wordsOf(tokenizer: ModelTokenizer, prompt: Int32Array): PromptWord[] {
  const words: { field: PromptField | null; isSpecial: boolean; ids: number[] }[] = [];
  let field: PromptField | null = null;
  for (const id of prompt) {
    const token = tokenizer.tokenOf(id);
    const isSpecial = token.kind === 'special';
    if (isSpecial) field = placeAfter(token.token, field);
    const before = words.at(-1);
    const begins = isSpecial || before === undefined || before.isSpecial || token.bytes[0] === SPACE;
    if (begins) words.push({ field, isSpecial, ids: [id] });
    else before.ids.push(id);
  }
  return words.map((word) => {
    const text = word.isSpecial ? tokenizer.tokenTexts(word.ids).join('') : tokenizer.decodeText(word.ids).trim();
    return { ...word, text };
  });
}
const SPACE = 0x20;

const PLACES: ReadonlyMap<string, PromptField> = new Map([
  [QUERY, 'query'],
  ...DOCUMENT_FIELDS.map((field) => [fieldToken(field), field] as const),
  // In a prompt, words of the query that the document lacks follow a verdict.
  ...VERDICTS.map((verdict) => [verdictToken(verdict), 'query'] as const),
]);

/** Where the words after a special token are from. */
function placeAfter(token: string, before: PromptField | null): PromptField | null {
  if (token === CUT || token === ATTRIBUTE_NAME || token === ATTRIBUTE_VALUE) return before;
  return PLACES.get(token) ?? null;
}

/** The shares of words: those of their tokens, summed. */
function joined(shares: Float32Array, words: readonly PromptWord[]): number[] {
  let at = 0;
  return words.map(({ ids }) => {
    const own = shares.subarray(at, at + ids.length);
    at += ids.length;
    return Math.min(
      1,
      own.reduce((sum, share) => sum + share, 0),
    );
  });
}
