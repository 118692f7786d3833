/** A small language model of no use, as its files are elsewhere: a Hugging Face folder, and one GGUF file. */
import { arraySource, type ByteSource } from '../../src/checkpoint/byte-source.ts';
import {
  type WrittenTensor,
  type WrittenType,
  type WrittenValue,
  writeGguf,
} from '../../src/checkpoint/gguf-writer.ts';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { Rng } from '../../src/common/rng.ts';
import { type ModelConfig, toHuggingFaceConfig } from '../../src/config/model-config.ts';
import { initialWeights } from '../../src/model/weights.ts';
import { FOREIGN_JSON } from './held-automata.ts';

const TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Its shape, that of Qwen3, whose queries and keys GGUF has in the same order. */
export const FOREIGN_CONFIG: ModelConfig = {
  vocabSize: Object.keys(FOREIGN_JSON.model.vocab).length,
  width: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  hidden: 64,
  maxPositions: 4096,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};
const WEIGHTS = initialWeights(FOREIGN_CONFIG, new Rng(5));

const text = (value: unknown): ByteSource => arraySource(new TextEncoder().encode(JSON.stringify(value)));

/** The files of its folder. */
export function foreignFolder(): Map<string, ByteSource> {
  const tensors = [...WEIGHTS].map(([name, { shape, data }]) => ({ name, dtype: 'F32' as const, shape, data }));
  return new Map([
    ['config.json', text(toHuggingFaceConfig(FOREIGN_CONFIG))],
    ['tokenizer.json', text(FOREIGN_JSON)],
    ['tokenizer_config.json', text({ eos_token: { content: '<|im_end|>' }, chat_template: TEMPLATE })],
    ['model.safetensors', arraySource(new Uint8Array(writeSafetensors(tensors)))],
  ]);
}

const GGUF_PARTS: readonly (readonly [string, string])[] = [
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['input_layernorm', 'attn_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['self_attn.q_norm', 'attn_q_norm'],
  ['self_attn.k_norm', 'attn_k_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
];

/** The same model in one file, its matrices in a type. */
export async function foreignGguf(
  type: WrittenType = 'F32',
  more: Iterable<readonly [string, WrittenValue]> = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const { layers, width, hidden, heads, kvHeads, headDim, maxPositions, ropeTheta, normEps } = FOREIGN_CONFIG;
  const ids = Object.entries(FOREIGN_JSON.model.vocab).toSorted(([, a], [, b]) => a - b);
  const special = new Set(FOREIGN_JSON.added_tokens.map(({ id }) => id));
  const metadata = new Map<string, WrittenValue>([
    ['general.architecture', 'qwen3'],
    ['general.name', 'Foreign'],
    ['qwen3.block_count', layers],
    ['qwen3.context_length', maxPositions],
    ['qwen3.embedding_length', width],
    ['qwen3.feed_forward_length', hidden],
    ['qwen3.attention.head_count', heads],
    ['qwen3.attention.head_count_kv', kvHeads],
    ['qwen3.attention.key_length', headDim],
    ['qwen3.attention.value_length', headDim],
    ['qwen3.attention.layer_norm_rms_epsilon', { f32: normEps }],
    ['qwen3.rope.freq_base', { f32: ropeTheta }],
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', 'gpt-2'],
    ['tokenizer.ggml.tokens', ids.map(([token]) => token)],
    ['tokenizer.ggml.token_type', Int32Array.from(ids, ([, id]) => (special.has(id) ? 3 : 1))],
    [
      'tokenizer.ggml.merges',
      FOREIGN_JSON.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    ],
    ['tokenizer.ggml.eos_token_id', FOREIGN_JSON.model.vocab['<|im_end|>'] ?? 0],
    ['tokenizer.chat_template', TEMPLATE],
    ...more,
  ]);
  const tensors = [...WEIGHTS].map(([name, { shape, data }]): WrittenTensor => {
    const [stem = name, kind = 'weight'] = /^(.*)\.(weight|bias)$/u.exec(name)?.slice(1) ?? [];
    const layer = /^model\.layers\.(\d+)\./u.exec(stem);
    const part = layer === null ? stem : stem.slice(layer[0].length);
    const known = GGUF_PARTS.find(([own]) => own === part)?.[1] ?? part;
    return {
      name: `${layer === null ? '' : `blk.${layer[1]}.`}${known}.${kind}`,
      shape,
      type: shape.length === 1 ? 'F32' : type,
      read: () => Promise.resolve(data),
    };
  });
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of writeGguf(metadata, tensors)) pieces.push(piece);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
