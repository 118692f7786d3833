/** Weights of other programs: GGUF files and safetensors, read tensor by tensor. */
import { arraySource } from '../../../../src/checkpoint/byte-source.ts';
import { writeGguf, type WrittenTensor, type WrittenValue } from '../../../../src/checkpoint/gguf-writer.ts';
import { readGguf } from '../../../../src/checkpoint/gguf.ts';
import { writeSafetensors } from '../../../../src/checkpoint/safetensors.ts';
import { fromGgufMetadata } from '../../../../src/config/gguf-config.ts';
import { huggingFaceName, ggufWeights } from '../../../../src/model/gguf-weights.ts';
import { safetensorsWeights } from '../../../../src/model/safetensors-weights.ts';
import { quantiseWeights, readStoredWeights, toFileTensors } from '../../../../src/model/stored-weights.ts';
import { mutateBytes } from '../mutations.ts';
import { expectSame, type Target, target, Wrong } from '../target.ts';

const METADATA: Readonly<Record<string, WrittenValue>> = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.context_length': 64,
  'llama.embedding_length': 32,
  'llama.feed_forward_length': 32,
  'llama.attention.head_count': 2,
  'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
  'tokenizer.ggml.tokens': ['a', 'b', 'größe'],
  'tokenizer.ggml.scores': Float32Array.of(0, 1, 2),
};
const tensorOf = (name: string, rows: number, type: WrittenTensor['type']): WrittenTensor => ({
  name,
  shape: rows === 1 ? [32] : [rows, 32],
  type,
  read: () => Promise.resolve(Float32Array.from({ length: 32 * rows }, (_, i) => Math.sin(i))),
});
const parts: Uint8Array<ArrayBuffer>[] = [];
for await (const part of writeGguf(new Map(Object.entries(METADATA)), [
  tensorOf('token_embd.weight', 3, 'Q8_0'),
  tensorOf('blk.0.attn_norm.weight', 1, 'F32'),
  tensorOf('blk.0.attn_q.weight', 32, 'Q4_0'),
  tensorOf('output_norm.weight', 1, 'F16'),
])) {
  parts.push(part);
}
const GGUF = new Uint8Array(await new Blob(parts).arrayBuffer());
const HEADER_BYTES = GGUF.length - (await readGguf(arraySource(GGUF)).then(({ tensors }) => [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0))); // prettier-ignore

const gguf = target(
  'GGUF files',
  (rng) => {
    if (rng.chance(0.3)) return mutateBytes(GGUF, rng);
    const header = mutateBytes(GGUF.subarray(0, HEADER_BYTES), rng);
    return Uint8Array.from([...header, ...GGUF.subarray(HEADER_BYTES)]);
  },
  async (bytes) => {
    const source = arraySource(bytes);
    const file = await readGguf(source);
    const config = fromGgufMetadata(file.metadata, file.tensors);
    const weights = await ggufWeights(file, source, config);
    for (const { name, shape } of file.tensors.values()) {
      const read = await weights.read(huggingFaceName(name));
      expectSame(`the shape of ${name}`, read.shape, shape);
      const count = shape.reduce((product, size) => product * size, 1);
      const numbers = 'bits' in read ? (read.values.length * 8) / read.bits : read.data.length;
      if (numbers !== count) throw new Wrong(`${name} has ${numbers} weights and not ${count}`);
    }
  },
);

const FLOATS = new Map([['w', { shape: [2, 16], data: new Float32Array(32).fill(0.5) }], ['v', { shape: [3], data: Float32Array.of(1, 2, 3) }]]); // prettier-ignore
const SMALL = writeSafetensors(toFileTensors(new Map([...FLOATS, ['q', quantiseWeights(FLOATS, 4).get('w') ?? { shape: [0], data: new Float32Array() }]]))); // prettier-ignore
const streamed = target(
  'safetensors, tensor by tensor',
  (rng) => mutateBytes(SMALL, rng),
  async (bytes) => {
    const weights = await safetensorsWeights(new Map([['x', arraySource(bytes)]]));
    // What is read in parts is what is read whole.
    const whole = readStoredWeights(bytes);
    expectSame('names of tensors', [...weights.tensors.keys()].toSorted(), [...whole.keys()].toSorted());
    for (const [name, tensor] of whole) expectSame(`tensor ${name}`, await weights.read(name), tensor);
  },
);

export const WEIGHT_TARGETS: readonly Target[] = [gguf, streamed];
