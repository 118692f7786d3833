/**
 * The weights of a GGUF file under their Hugging Face names.
 *
 * llama.cpp rotates neighbouring dimensions of a head, transformers those that are half a head apart, so that the
 * converter interleaves the rows of q and k of Llama models. Here they get back their places: row `2 i + j` of a head
 * becomes row `j D/2 + i`. Whole rows move, so that integers stay integers. Qwen models are not interleaved.
 */
import type { ByteSource } from '../checkpoint/byte-source.ts';
import { GGML_TYPES, ggmlBytes } from '../checkpoint/ggml-types.ts';
import { asQuantised, dequantiseBlocks } from '../checkpoint/gguf-blocks.ts';
import type { GgufFile, GgufTensor } from '../checkpoint/gguf.ts';
import type { QuantisedData } from '../checkpoint/quantised.ts';
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { RowRange, SourceTensor, WeightSource } from './weight-source.ts';
import type { TensorData } from './weights.ts';

const NAMES: ReadonlyMap<string, string> = new Map([
  ['token_embd.weight', 'model.embed_tokens.weight'],
  ['output_norm.weight', 'model.norm.weight'],
  ['output.weight', 'lm_head.weight'],
]);
const PARTS: ReadonlyMap<string, string> = new Map([
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
]);
/** Divisors of the rotary frequencies, for models trained with scaled rotary embeddings (Llama 3.1). */
const ROPE_FACTORS = 'rope_freqs.weight';

/**
 * The weights of a file.
 *
 * @param file - the header of the source
 * @param config - its shape (config/gguf-config.ts)
 * @throws {LabError} `bad-checkpoint` for scaled rotary embeddings, or two tensors for one name
 */
export async function ggufWeights(file: GgufFile, source: ByteSource, config: ModelConfig): Promise<WeightSource> {
  await refuseScaling(file.tensors.get(ROPE_FACTORS), source);
  const isInterleaved = file.metadata.get('general.architecture') === 'llama';
  const byName = new Map<string, GgufTensor>();
  const tensors = new Map<string, SourceTensor>();
  for (const tensor of file.tensors.values()) {
    if (tensor.name === ROPE_FACTORS) continue;
    const name = huggingFaceName(tensor.name);
    if (byName.has(name))
      throw new LabError('bad-checkpoint', { message: `The GGUF file has two tensors for ${name}.` });
    byName.set(name, tensor);
    tensors.set(name, { shape: tensor.shape, storedBytes: tensor.byteLength, bits: bitsOf(tensor) });
  }
  return {
    tensors,
    read: async (name, rows) => {
      const tensor = byName.get(name);
      if (tensor === undefined)
        throw new LabError('not-found', { message: `The GGUF file has no tensor for ${name}.` });
      return isInterleaved && /\.[qk]_proj\./u.test(name)
        ? readInterleaved(tensor, source, config.headDim, rows)
        : toWeights(tensor, await readRows(tensor, source, rows), rows);
    },
  };
}

/** The Hugging Face name of a tensor; the name itself if there is none. */
export function huggingFaceName(name: string): string {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const [, layer, part = '', kind] = /^blk\.(\d{1,4})\.(\w+)\.(weight|bias)$/u.exec(name) ?? [];
  const place = PARTS.get(part);
  return place === undefined ? name : `model.layers.${Number(layer)}.${place}.${kind}`;
}

function bitsOf({ type, shape }: GgufTensor): SourceTensor['bits'] {
  if (shape.length !== 2) return undefined;
  if (type === 'Q8_0') return 8;
  return type === 'Q4_0' ? 4 : undefined;
}

async function refuseScaling(factors: GgufTensor | undefined, source: ByteSource): Promise<void> {
  if (factors === undefined) return;
  const { data } = toWeights(factors, await readRows(factors, source), undefined, false);
  if (data.every((factor) => factor === 1)) return;
  throw new LabError('bad-checkpoint', {
    message: `The model has scaled rotary embeddings (${ROPE_FACTORS}).`,
    expected: 'factors of 1, or no such tensor',
    got: `factors up to ${data.reduce((most, factor) => Math.max(most, factor), 0)}`,
    fix: 'Use a model without scaling, such as Qwen2.5, Qwen3, SmolLM2 or Llama 2.',
  });
}

/** Rows of a tensor and their weights. Vectors are rows of one weight. */
function rowsOf({ name, type, shape }: GgufTensor): {
  readonly rows: number;
  readonly rowBytes: number;
  readonly width: number;
} {
  // prettier-ignore
  const [rows = 0, ...inRow] = shape;
  const width = inRow.reduce((product, size) => product * size, 1);
  if (width % GGML_TYPES[type].weights !== 0) {
    throw new LabError('bad-checkpoint', {
      message: `The GGUF tensor ${name} cannot be taken apart.`,
      expected: 'a vector of type F32, F16 or BF16',
      got: type,
      fix: 'Convert the model again with a current version of llama.cpp.',
    });
  }
  return { rows, rowBytes: ggmlBytes(type, width), width };
}

function readRows(tensor: GgufTensor, source: ByteSource, rows?: RowRange): Promise<Uint8Array<ArrayBuffer>> {
  const { offset, byteLength } = tensor;
  if (rows === undefined) return source.read(offset, offset + byteLength);
  const { rowBytes } = rowsOf(tensor);
  return source.read(offset + rows[0] * rowBytes, offset + rows[1] * rowBytes);
}

/** Rows that the converter has interleaved, in the order of transformers. */
async function readInterleaved(
  tensor: GgufTensor,
  source: ByteSource,
  headDim: number,
  range?: RowRange,
): Promise<TensorData | QuantisedData> {
  const { rows, rowBytes } = rowsOf(tensor);
  if (rows % headDim !== 0) {
    throw new LabError('bad-checkpoint', {
      message: `The GGUF tensor ${tensor.name} is not made of heads.`,
      expected: `a multiple of ${headDim} rows`,
      got: String(rows),
    });
  }
  const [first, end] = range ?? [0, rows];
  // All heads that the rows belong to.
  const [from, to] = [Math.floor(first / headDim) * headDim, Math.ceil(end / headDim) * headDim];
  const stored = await readRows(tensor, source, [from, to]);
  const bytes = new Uint8Array((end - first) * rowBytes);
  const half = headDim / 2;
  for (let row = first; row < end; row++) {
    const inHead = row % headDim;
    const place = row - inHead + 2 * (inHead % half) + Math.floor(inHead / half) - from;
    bytes.set(stored.subarray(place * rowBytes, (place + 1) * rowBytes), (row - first) * rowBytes);
  }
  return toWeights(tensor, bytes, [first, end]);
}

function toWeights(tensor: GgufTensor, bytes: Uint8Array, rows: RowRange | undefined, canBeIntegers: false): TensorData;
function toWeights(tensor: GgufTensor, bytes: Uint8Array, rows: RowRange | undefined): TensorData | QuantisedData;
function toWeights(
  { type, shape: whole }: GgufTensor,
  bytes: Uint8Array,
  rows: RowRange | undefined,
  canBeIntegers = true,
): TensorData | QuantisedData {
  const shape = rows === undefined ? whole : [rows[1] - rows[0], ...whole.slice(1)];
  const integers = canBeIntegers ? asQuantised(type, shape, bytes) : undefined;
  if (integers !== undefined) return integers;
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, data: dequantiseBlocks(type, bytes, count) };
}
