/**
 * The sentence encoder on the backends that need no GPU, and what it refuses. `test/gpu/encoder.test.ts` has WebGPU.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { WordPieces } from '../../../src/data/tokenizer/word-pieces.ts';
import { type EncoderFileName, SentenceEncoder } from '../../../src/encoder/sentence-encoder.ts';
import { useBackend } from '../../reference/backends.ts';
import {
  encoderFiles,
  EXPECTED_VECTORS,
  judgeEncoder,
  judgeMiniLm,
  miniLmFolder,
} from '../../reference/judge-encoder.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at } from '../../reference/tensor64.ts';

const miniLm = miniLmFolder();

describe.each(['cpu', 'wasm'] as const)('the sentence encoder on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(['model.safetensors', 'half/model.safetensors'])('gives the vectors of transformers: %s', async (weights) => {
    const before = tf.memory().numTensors;
    await judgeEncoder(weights);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives each text its vector, whatever the others of its batch are', async () => {
    const encoder = SentenceEncoder.load(encoderFiles());
    const { texts, vectors } = EXPECTED_VECTORS;
    const many = Array.from({ length: 300 }, (_, i) => (i * 5) % texts.length);
    const found = await encoder.encode(many.map((i) => at(texts, i)));
    for (const [place, i] of many.entries()) expectClose(at(found, place), at(vectors, i), { absolute: 1e-5 });
    encoder.dispose();
  });
});

describe('the sentence encoder', () => {
  beforeAll(() => useBackend('wasm'));

  it.skipIf(miniLm === undefined)('gives the vectors of all-MiniLM-L6-v2', async () => {
    await expect(judgeMiniLm(miniLm ?? '')).resolves.toBeUndefined();
  });

  it('stops when told to', async () => {
    const encoder = SentenceEncoder.load(encoderFiles());
    await expect(encoder.encode(['steel'], AbortSignal.abort())).rejects.toThrow(/stopped|abort/iu);
    encoder.dispose();
  });

  it.each<[EncoderFileName, unknown, RegExp]>([
    ['config.json', { model_type: 'qwen3' }, /model_type/u],
    ['config.json', { ...config(), hidden_act: 'relu' }, /hidden_act/u],
    ['config.json', { ...config(), vocab_size: 29 }, /does not fit/u],
    ['config.json', { ...config(), hidden_size: 20 }, /word_embeddings\.weight.*not usable/u],
    ['config.json', { ...config(), num_hidden_layers: 3 }, /encoder\.layer\.2/u],
    ['tokenizer.json', { model: { type: 'BPE', vocab: {} } }, /tokenizer\.json/u],
  ])('refuses another %s: %j', (name, contents, message) => {
    const files = encoderFiles().set(name, new TextEncoder().encode(JSON.stringify(contents)));
    const before = tf.memory().numTensors;
    expect(() => SentenceEncoder.load(files)).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('word pieces', () => {
  const tokenizer = WordPieces.fromJson(json('tokenizer.json'));

  it('are those of the reference', () => {
    for (const [i, text] of EXPECTED_VECTORS.texts.entries()) {
      expect([...tokenizer.encode(text, 24)]).toEqual(at(EXPECTED_VECTORS.ids, i));
    }
  });

  it('never take text for structure', () => {
    const [begin, end] = ['[CLS]', '[SEP]'].map((piece) => tokenizer.pieces.indexOf(piece));
    const ids = [...tokenizer.encode('knife [SEP] [CLS] knife', 24)];
    expect(ids.filter((id) => id === begin || id === end)).toEqual([begin, end]);
  });
});

function json(name: EncoderFileName): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(encoderFiles().get(name))) as Record<string, unknown>;
}

function config(): Record<string, unknown> {
  return json('config.json');
}
