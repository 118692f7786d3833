/**
 * How the inside of an answer is judged, on whichever backend is current: against the model's own passes, because it
 * must show what these compute and nothing else.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { expect } from 'vitest';
import { answerPair } from '../../src/infer/answer.ts';
import { Decoding } from '../../src/infer/decoding.ts';
import { attentionOf, lookInside, readInside } from '../../src/infer/inside.ts';
import type { LabModel } from '../../src/infer/lab-model.ts';
import { encodeFor } from '../../src/infer/score-pairs.ts';
import { forward, forwardObserved } from '../../src/model/transformer.ts';
import { InsideSchema } from '../../src/protocol/inside.ts';
import type { LabelEvent } from '../../src/protocol/scoring.ts';
import type { Pair } from '../../src/relevance/pair/pair.ts';
import { expectClose } from './expect-close.ts';

/** What is shown of a pair is of its answer: the last layer is the answer, and shares of attention are shares. */
export async function judgeInside(model: LabModel, pair: Pair): Promise<void> {
  const before = tf.memory().numTensors;
  const inside = await lookInside(model, pair);
  expect(tf.memory().numTensors).toBe(before);
  expect(v.safeParse(InsideSchema, inside).issues).toBeUndefined();
  let label: LabelEvent | undefined;
  let text = '';
  await answerPair(model, pair, {
    emit: (event) => {
      if (event.kind === 'label') label = event;
      if (event.kind === 'text') text += event.text;
    },
  });
  const { layers, heads } = model.transformer.config;
  expect(inside.label).toBe(label?.label);
  expect(inside.probabilities).toEqual(label?.probabilities);
  expect(inside.lens).toHaveLength(layers + 1);
  expectClose(inside.lens.at(-1)?.probabilities ?? [], label?.probabilities ?? [], { absolute: 1e-5 });
  expect(inside.lens.at(-1)?.labelMass).toBeCloseTo(label?.labelMass ?? NaN, 5);
  expect(inside.attention.map((layer) => layer.length)).toEqual(Array.from({ length: layers }, () => heads));
  for (const shares of inside.attention.flat()) {
    expect(shares).toHaveLength(inside.words.length);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  }
  expect(inside.words.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(label?.promptTokens);
  const words = (field: string): string =>
    inside.words.flatMap((word) => (word.field === field && !word.isSpecial ? [word.text] : [])).join(' ');
  expect(words('query')).toBe(pair.query);
  expect(words('title')).toBe(pair.document.title);
  // The tokens are those of the streamed completion.
  const plain = (written: string): string => written.replaceAll(/\s/gu, '');
  expect(plain(inside.tokens.map((token) => token.text).join(''))).toBe(plain(text));
}

/** Attention that is recomputed mixes the values to what the layer's own attention gives, observed or not. */
export async function judgeAttention({ transformer, ...model }: LabModel, pair: Pair): Promise<void> {
  const { ids } = encodeFor({ transformer, ...model }, pair);
  const batch = { B: 1, T: ids.length, ids };
  const { heads: H, kvHeads: K, headDim: D, layers } = transformer.config;
  for (const t of [0, 1, ids.length - 1]) {
    const seen: { shares: tf.Tensor2D; v: tf.Tensor4D; mixed: tf.Tensor4D }[] = [];
    const [plain, observed] = tf.tidy(() => [
      forward(transformer, batch),
      forwardObserved(transformer, batch, {
        onStream: () => undefined,
        onAttention: (_layer, of) => {
          seen.push({
            shares: tf.keep(attentionOf(of, t)),
            v: tf.keep(of.v.clone()),
            mixed: tf.keep(of.mixed.clone()),
          });
        },
      }),
    ]);
    expect(await observed.data()).toEqual(await plain.data());
    expect(seen).toHaveLength(layers);
    for (const { shares, v: values, mixed } of seen) {
      const [p, vs, got] = [await shares.data(), await values.data(), await mixed.data()];
      const wanted = Array.from({ length: H * D }, (_, hd) => {
        const [h, d] = [Math.floor(hd / D), hd % D];
        const ofKey = (s: number): number => vs[(s * K + Math.floor(h / (H / K))) * D + d] ?? NaN;
        return Array.from({ length: t + 1 }, (_2, s) => (p[h * (t + 1) + s] ?? NaN) * ofKey(s)).reduce((a, b) => a + b);
      });
      expectClose(got.slice(t * H * D, (t + 1) * H * D), wanted, { absolute: 1e-5, relative: 1e-5 });
    }
    tf.dispose([plain, observed, ...seen.flatMap((each) => Object.values(each))]);
  }
}

/** Entropies and probabilities are those of the passes in which the tokens are written, one after another. */
export async function judgeEntropies(model: LabModel, pair: Pair): Promise<void> {
  const { transformer, tokenizer, prompt } = model;
  const { ids } = encodeFor(model, pair);
  const written: number[] = [];
  await answerPair(model, pair, { emit: () => undefined, onToken: (id) => void written.push(id) });
  expect(written.length).toBeGreaterThan(3);
  const labelIds = tokenizer.labelIds(prompt.scaleSize);
  const reading = await readInside(transformer, ids, Int32Array.from(written), labelIds);
  const decoding = Decoding.start(transformer, [ids], written.length);
  const wanted: { entropy: number; logProb: number }[] = [];
  for (const id of written) {
    const logits = Array.from(await decoding.nextLogits());
    const most = Math.max(...logits);
    const logZ = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    const entropy = -logits.reduce((sum, logit) => sum + Math.exp(logit - logZ) * (logit - logZ), 0);
    wanted.push({ entropy, logProb: (logits[id] ?? NaN) - logZ });
    decoding.choose(Int32Array.of(id));
  }
  decoding.dispose();
  expectClose(
    reading.entropies,
    wanted.map(({ entropy }) => entropy),
    { absolute: 1e-4, relative: 1e-4 },
  );
  expectClose(
    reading.logProbs,
    wanted.map(({ logProb }) => logProb),
    { absolute: 1e-4, relative: 1e-4 },
  );
}
