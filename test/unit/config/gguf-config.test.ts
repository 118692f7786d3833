/** The shape of a model in the metadata of GGUF: what is missing or another variant is named by its key. */
import { describe, expect, it } from 'vitest';
import { fromGgufMetadata } from '../../../src/config/gguf-config.ts';

const QWEN2: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['general.architecture', 'qwen2'],
  ['qwen2.block_count', 24],
  ['qwen2.context_length', 131_072],
  ['qwen2.embedding_length', 896],
  ['qwen2.feed_forward_length', 4864],
  ['qwen2.attention.head_count', 14],
  ['qwen2.attention.head_count_kv', Uint32Array.from({ length: 24 }, () => 2)],
  ['qwen2.attention.layer_norm_rms_epsilon', Math.fround(1e-6)],
  ['qwen2.rope.freq_base', 1_000_000],
  ['qwen2.rope.dimension_count', 64],
  ['qwen2.rope.scaling.type', 'none'],
  ['tokenizer.ggml.tokens', ['a', 'b', 'c']],
]);
const TENSORS = new Set(['token_embd.weight', 'blk.0.attn_q.weight', 'blk.0.attn_q.bias']);

function changed(key: string, value: unknown): ReadonlyMap<string, unknown> {
  const metadata = new Map(QWEN2);
  if (value === undefined) metadata.delete(key);
  else metadata.set(key, value);
  return metadata;
}

describe('the shape of a GGUF file', () => {
  it('is read from metadata and names of tensors', () => {
    expect(fromGgufMetadata(QWEN2, TENSORS)).toEqual({
      vocabSize: 3,
      width: 896,
      layers: 24,
      heads: 14,
      kvHeads: 2,
      headDim: 64,
      hidden: 4864,
      maxPositions: 131_072,
      ropeTheta: 1_000_000,
      normEps: 1e-6,
      qkNorm: false,
      attentionBias: true,
      tiedEmbeddings: true,
    });
    const others = new Set(['output.weight', 'blk.0.attn_q_norm.weight']);
    expect(fromGgufMetadata(QWEN2, others)).toMatchObject({
      qkNorm: true,
      attentionBias: false,
      tiedEmbeddings: false,
    });
  });

  it('has defaults where GGUF has', () => {
    const metadata = new Map(QWEN2);
    for (const field of ['attention.head_count_kv', 'rope.freq_base', 'rope.dimension_count', 'rope.scaling.type']) {
      metadata.delete(`qwen2.${field}`);
    }
    metadata.delete('tokenizer.ggml.tokens');
    metadata.set('qwen2.vocab_size', 5);
    expect(fromGgufMetadata(metadata, TENSORS)).toMatchObject({ kvHeads: 14, ropeTheta: 10_000, vocabSize: 5 });
  });

  it.each([
    ['general.architecture', 'gemma3', /general\.architecture.*llama, qwen2, qwen3.*gemma3/su],
    ['general.architecture', undefined, /general\.architecture.*nothing/su],
    ['general.architecture', 'toString', /general\.architecture/u],
    ['qwen2.block_count', undefined, /qwen2\.block_count.*a number.*nothing/su],
    ['qwen2.block_count', 'many', /qwen2\.block_count.*"many"/su],
    ['qwen2.block_count', 1e9, /layers/u],
    ['qwen2.embedding_length', 2 ** 30, /width/u],
    ['qwen2.attention.head_count', 0, /heads/u],
    ['qwen2.attention.head_count_kv', Uint32Array.of(2, 4), /head_count_kv.*same number in every layer/su],
    ['qwen2.attention.key_length', 63, /rope\.dimension_count|headDim/u],
    ['qwen2.attention.value_length', 128, /value_length.*64.*128/su],
    ['qwen2.attention.layer_norm_rms_epsilon', undefined, /layer_norm_rms_epsilon/u],
    ['qwen2.attention.layer_norm_rms_epsilon', NaN, /normEps/u],
    ['qwen2.attention.sliding_window', 4096, /sliding_window.*all positions.*4096/su],
    ['qwen2.rope.freq_base', Infinity, /ropeTheta/u],
    ['qwen2.rope.scaling.type', 'yarn', /rope\.scaling\.type.*without scaling.*yarn/su],
    ['qwen2.rope.scale_linear', 4, /rope\.scale_linear.*4/su],
    ['qwen2.expert_count', 8, /expert_count.*8/su],
    ['tokenizer.ggml.tokens', undefined, /tokenizer\.ggml\.tokens/u],
  ])('is refused with %s %s', (key, value, message) => {
    expect(() => fromGgufMetadata(changed(key, value), TENSORS)).toThrow(message);
  });
});
