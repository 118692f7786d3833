/**
 * The shape of a model in the metadata of a GGUF file. The keys carry the name of the architecture:
 * `llama.block_count`, `qwen2.block_count`.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { LabError } from '../common/errors.ts';
import { type ModelConfig, ModelConfigSchema } from './model-config.ts';
import { parseConfig } from './parse.ts';

const ARCHITECTURES: readonly unknown[] = ['llama', 'qwen2', 'qwen3'];
const PLACE = 'The metadata of the GGUF file';

/** Values by key; those of arrays are array-like. */
type Metadata = ReadonlyMap<string, unknown>;

/**
 * Reads the shape of a Llama, Qwen2 or Qwen3 model.
 *
 * Biases on q, k and v, norms of heads and a head of its own are not in the metadata; the names of the tensors tell.
 *
 * @param tensors - the tensors of the file by their names in it
 * @throws {LabError} `bad-config` naming the key: another architecture, a missing or unusable value, scaled rotary
 *   embeddings, experts, or heads that differ between layers
 */
export function fromGgufMetadata(metadata: Metadata, tensors: { has(name: string): boolean }): ModelConfig {
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string' || !ARCHITECTURES.includes(architecture)) {
    throw refused('general.architecture', ARCHITECTURES.join(', '), brief(architecture), OTHER_MODEL);
  }
  const keyOf = (field: string): string => `${architecture}.${field}`;
  const optional = (field: string): number | undefined => numberAt(metadata, keyOf(field));
  const required = (field: string): number => {
    const value = optional(field);
    if (value === undefined) throw refused(keyOf(field), 'a number', 'nothing', DAMAGED);
    return value;
  };
  refuseVariants(metadata, keyOf);
  const heads = required('attention.head_count');
  const width = required('embedding_length');
  const config = parseConfig(PLACE, ModelConfigSchema, {
    vocabSize: vocabularyOf(metadata, keyOf('vocab_size')),
    width,
    layers: required('block_count'),
    heads,
    kvHeads: optional('attention.head_count_kv') ?? heads,
    headDim: optional('attention.key_length') ?? width / heads,
    hidden: required('feed_forward_length'),
    maxPositions: required('context_length'),
    ropeTheta: optional('rope.freq_base') ?? 10_000,
    normEps: required('attention.layer_norm_rms_epsilon'),
    qkNorm: tensors.has('blk.0.attn_q_norm.weight'),
    attentionBias: tensors.has('blk.0.attn_q.bias'),
    tiedEmbeddings: !tensors.has('output.weight'),
  });
  for (const field of ['attention.value_length', 'rope.dimension_count']) {
    const value = optional(field) ?? config.headDim;
    if (value !== config.headDim) throw refused(keyOf(field), String(config.headDim), String(value), OTHER_MODEL);
  }
  return config;
}

const OTHER_MODEL = 'Use another model, or the same one from a Hugging Face folder.';
const DAMAGED = 'Convert the model again with a current version of llama.cpp.';

/** Variants of the architectures that the lab does not compute. */
function refuseVariants(metadata: Metadata, keyOf: (field: string) => string): void {
  const kind = metadata.get(keyOf('rope.scaling.type'));
  if (kind !== undefined && kind !== 'none') {
    throw refused(keyOf('rope.scaling.type'), 'rotary embeddings without scaling', brief(kind), OTHER_MODEL);
  }
  const unlike = [
    ['rope.scaling.factor', [0, 1]],
    ['rope.scale_linear', [0, 1]],
    ['expert_count', [0]],
  ] as const;
  for (const [field, plain] of unlike) {
    const value = numberAt(metadata, keyOf(field));
    if (value !== undefined && !plain.some((each) => each === value)) {
      throw refused(keyOf(field), `${plain.at(-1)} or nothing`, String(value), OTHER_MODEL);
    }
  }
  const window = numberAt(metadata, keyOf('attention.sliding_window')) ?? 0;
  if (window > 0 && window < (numberAt(metadata, keyOf('context_length')) ?? 0)) {
    throw refused(keyOf('attention.sliding_window'), 'attention to all positions', String(window), OTHER_MODEL);
  }
}

/** The number of tokens; files without a tokenizer have the number alone. */
function vocabularyOf(metadata: Metadata, key: string): number {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  if (Array.isArray(tokens) && tokens.length > 0) return tokens.length;
  const size = numberAt(metadata, key);
  if (size === undefined)
    throw refused('tokenizer.ggml.tokens', 'the tokens of the vocabulary', brief(tokens), DAMAGED);
  return size;
}

/** A number, or one that is the same in every layer; undefined if the key is absent. */
function numberAt(metadata: Metadata, key: string): number | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (typeof value === 'number') return shortened(value);
  if (ArrayBuffer.isView(value) && 'length' in value) {
    const [first, ...others] = new Set(Array.from(value as unknown as ArrayLike<number | bigint>, Number));
    if (first !== undefined && others.length === 0) return shortened(first);
    throw refused(
      key,
      'the same number in every layer',
      first === undefined ? 'an empty list' : 'several',
      OTHER_MODEL,
    );
  }
  throw refused(key, 'a number', brief(value), DAMAGED);
}

/** The shortest decimal that is the same float32: 1e-5, not 0.000009999999747378752. */
function shortened(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === value ? short : value;
}

function refused(key: string, expected: string, got: string, fix: string): LabError {
  return new LabError('bad-config', { message: `${PLACE} is not usable: ${key}.`, expected, got, fix });
}

function brief(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : typeof value;
}
