/** Sources of weights refuse what they cannot give, and name it. */
import { describe, expect, it } from 'vitest';
import { arraySource, type ByteSource } from '../../../src/checkpoint/byte-source.ts';
import { writeGguf, type WrittenTensor } from '../../../src/checkpoint/gguf-writer.ts';
import { readGguf } from '../../../src/checkpoint/gguf.ts';
import { type TensorData, writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { MODEL_PRESETS } from '../../../src/config/presets.ts';
import { ggufWeights, huggingFaceName } from '../../../src/model/gguf-weights.ts';
import { safetensorsWeights } from '../../../src/model/safetensors-weights.ts';
import type { WeightSource } from '../../../src/model/weight-source.ts';

const CONFIG = { ...MODEL_PRESETS['lab-nano'], headDim: 4 };

async function openWritten(tensors: readonly WrittenTensor[], architecture = 'llama'): Promise<WeightSource> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of writeGguf(new Map([['general.architecture', architecture]]), tensors)) parts.push(part);
  const source = arraySource(new Uint8Array(await new Blob(parts).arrayBuffer()));
  return ggufWeights(await readGguf(source), source, CONFIG);
}

function written(name: string, shape: readonly number[], values: ArrayLike<number>): WrittenTensor {
  return { name, shape, type: 'F32', read: () => Promise.resolve(Float32Array.from(values)) };
}

describe('the weights of a GGUF file', () => {
  it('have their Hugging Face names, and unknown ones their own', () => {
    expect(huggingFaceName('blk.12.ffn_down.weight')).toBe('model.layers.12.mlp.down_proj.weight');
    expect(huggingFaceName('blk.0.attn_k.bias')).toBe('model.layers.0.self_attn.k_proj.bias');
    expect(huggingFaceName('output_norm.weight')).toBe('model.norm.weight');
    for (const name of ['blk.0.attn_sinks.weight', 'blk.-1.ffn_up.weight', 'blk.0.toString.weight', '__proto__', '']) {
      expect(huggingFaceName(name)).toBe(name);
    }
  });

  it('of Llama have the rows of q and k in the order of transformers; biases too', async () => {
    const rows = [0, 2, 1, 3, 4, 6, 5, 7]; // two heads of four: row 2 i + j goes to j D/2 + i
    const source = await openWritten([
      written('blk.0.attn_q.weight', [8, 1], [...rows.keys()]),
      written('blk.0.attn_k.bias', [8], [...rows.keys()]),
      written('blk.0.attn_v.weight', [8, 1], [...rows.keys()]),
    ]);
    expect(await source.read('model.layers.0.self_attn.q_proj.weight')).toEqual({ shape: [8, 1], data: Float32Array.from(rows) }); // prettier-ignore
    expect(await source.read('model.layers.0.self_attn.k_proj.bias')).toMatchObject({ data: Float32Array.from(rows) });
    expect(await source.read('model.layers.0.self_attn.v_proj.weight')).toMatchObject({ data: Float32Array.from(rows.keys()) }); // prettier-ignore
  });

  it('of Qwen stay as they are', async () => {
    const source = await openWritten([written('blk.0.attn_q.weight', [8, 1], [0, 1, 2, 3, 4, 5, 6, 7])], 'qwen2');
    expect(await source.read('model.layers.0.self_attn.q_proj.weight')).toMatchObject({
      data: Float32Array.from({ length: 8 }, (_, i) => i),
    });
  });

  it('of Llama that are not made of heads are refused', async () => {
    const source = await openWritten([written('blk.0.attn_q.weight', [6, 1], [0, 1, 2, 3, 4, 5])]);
    await expect(source.read('model.layers.0.self_attn.q_proj.weight')).rejects.toThrow(/attn_q.*multiple of 4.*6/su);
  });

  it('with scaled rotary embeddings are refused, with factors of 1 not', async () => {
    const source = await openWritten([written('rope_freqs.weight', [2], [1, 1])]);
    expect(source.tensors.size).toBe(0);
    await expect(openWritten([written('rope_freqs.weight', [2], [1, 8])])).rejects.toThrow(
      /rope_freqs\.weight.*up to 8/su,
    );
  });

  it('that are not there are refused', async () => {
    const source = await openWritten([]);
    await expect(source.read('model.norm.weight')).rejects.toThrow(/no tensor for model\.norm\.weight/u);
  });
});

describe('the weights of safetensors', () => {
  const file = (...tensors: TensorData[]): ByteSource => arraySource(writeSafetensors(tensors));
  const float = (name: string): TensorData => ({ name, dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) });

  it('are found in the file that the index names, else refused', async () => {
    const files = new Map([['a', file(float('x'))], ['b', file(float('y'))]]); // prettier-ignore
    const source = await safetensorsWeights(files, new Map([['x', 'a'], ['y', 'b']])); // prettier-ignore
    expect([...source.tensors.keys()]).toEqual(['x', 'y']);
    await expect(safetensorsWeights(files, new Map([['x', 'b'], ['y', 'b']]))).rejects.toThrow(/Tensor x.*b.*a/su); // prettier-ignore
    await expect(safetensorsWeights(files, new Map([['x', 'a'], ['y', 'b'], ['z', 'b']]))).rejects.toThrow(/Tensor z/u); // prettier-ignore
    await expect(safetensorsWeights(files, new Map([['x', 'a']]))).rejects.toThrow(/Tensor y.*no file/su);
    await expect(safetensorsWeights(new Map([...files, ['c', file(float('x'))]]))).rejects.toThrow(/Tensor x/u);
  });

  it('may have computed frequencies beside them, and nothing else that is no weight', async () => {
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    expect([...(await safetensorsWeights(new Map([['a', file(float('x'), float(name))]]))).tensors.keys()]).toEqual([
      'x',
    ]);
    const whole: TensorData = { name: 'n', dtype: 'I64', shape: [1], data: BigInt64Array.of(1n) };
    await expect(safetensorsWeights(new Map([['a', file(whole)]]))).rejects.toThrow(
      /Tensor n does not hold weights.*I64/su,
    );
    const codes: TensorData = { name: 'q', dtype: 'I8', shape: [4, 8], data: new Int8Array(32) };
    await expect(safetensorsWeights(new Map([['a', file(codes)]]))).rejects.toThrow(/Tensor q has integers.*missing/su);
  });

  it('of a file that is cut off are refused, wherever it is cut', async () => {
    const bytes = writeSafetensors([float('x'), float('y')]);
    for (let end = 0; end < bytes.length; end++) {
      const cut = safetensorsWeights(new Map([['model.safetensors', arraySource(bytes.slice(0, end))]]));
      await expect(cut, `at ${end}`).rejects.toMatchObject({ code: 'bad-file' });
    }
  });
});
