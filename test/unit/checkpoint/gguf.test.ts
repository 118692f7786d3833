/**
 * GGUF: blocks are read as the package of llama.cpp reads them, files are written and read back, and whatever is wrong
 * with a file is refused with its place, before anything of a claimed size is made.
 */
import { describe, expect, it } from 'vitest';
import { arraySource, type ByteSource } from '../../../src/checkpoint/byte-source.ts';
import { GGML_TYPES, type GgmlType } from '../../../src/checkpoint/ggml-types.ts';
import { asQuantised, dequantiseBlocks } from '../../../src/checkpoint/gguf-blocks.ts';
import { writeGguf, type WrittenTensor, type WrittenValue } from '../../../src/checkpoint/gguf-writer.ts';
import { type GgufFile, readGguf } from '../../../src/checkpoint/gguf.ts';
import { dequantise, quantise } from '../../../src/checkpoint/quantised.ts';
import { LabError } from '../../../src/common/errors.ts';
import { Rng } from '../../../src/common/rng.ts';
import { fixtureBytes, fixtureJson, floatsOf } from '../../reference/model-fixture.ts';

const BLOCKS = fixtureJson('blocks.json') as Readonly<
  Record<string, { readonly blocks: string; readonly floats: string }>
>;
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64, 'base64'));

async function bytesWritten(
  metadata: Readonly<Record<string, WrittenValue>>,
  tensors: readonly WrittenTensor[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of writeGguf(new Map(Object.entries(metadata)), tensors)) parts.push(part);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

const read = (bytes: Uint8Array<ArrayBuffer>): Promise<GgufFile> => readGguf(arraySource(bytes));

function tensor(name: string, shape: readonly number[], more: Partial<WrittenTensor> = {}): WrittenTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, shape, type: 'F32', read: () => Promise.resolve(new Float32Array(count).fill(0.5)), ...more };
}

describe('blocks', () => {
  it.each(Object.entries(BLOCKS))(
    'of type %s are the floats that llama.cpp reads, to the bit',
    (type, { blocks, floats }) => {
      const expected = floatsOf(floats);
      expect(dequantiseBlocks(type as GgmlType, bytesOf(blocks), expected.length)).toEqual(expected);
    },
  );

  it.each(['Q8_0', 'Q4_0'] as const)('of type %s are integers of the lab with the same values', (type) => {
    const { blocks, floats } = BLOCKS[type] ?? { blocks: '', floats: '' };
    const integers = asQuantised(type, [4, 128], bytesOf(blocks));
    expect(integers).toBeDefined();
    if (integers !== undefined) expect(dequantise(integers)).toEqual(floatsOf(floats));
  });

  it('of type Q8_0 with a -128 stay floats', () => {
    const bytes = bytesOf(BLOCKS['Q8_0']?.blocks ?? '');
    bytes[20] = 0x80;
    expect(asQuantised('Q8_0', [4, 128], bytes)).toBeUndefined();
    const scale = dequantiseBlocks('Q8_0', Uint8Array.from(bytes).fill(1, 2, 3), 512)[0] ?? 0;
    expect(dequantiseBlocks('Q8_0', bytes, 512)[18]).toBe(-128 * scale);
  });

  it('are refused if their bytes are not those of the count', () => {
    expect(() => dequantiseBlocks('Q4_K', new Uint8Array(143), 256)).toThrow(/Q4_K.*144 bytes.*143 bytes for 256/su);
    expect(() => dequantiseBlocks('Q4_0', new Uint8Array(18), 31)).toThrow(/multiple of 32/u);
  });
});

describe('a file', () => {
  it('is read back as written', async () => {
    const metadata = {
      'general.architecture': 'llama',
      'llama.block_count': 2,
      'llama.rope.freq_base': { f32: 500_000 },
      'tokenizer.ggml.tokens': ['a', 'größe', '\ufeffx', ''],
      'tokenizer.ggml.scores': Float32Array.of(-1, 0.5),
      'tokenizer.ggml.token_type': Int32Array.of(1, -3),
      'llama.attention.head_count_kv': [2, 2],
      __proto__x: true,
      'a.b': 'text',
    };
    const weights = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i));
    const integers = quantise(weights, [3, 32], 4);
    const bytes = await bytesWritten(metadata, [
      tensor('a', [5]),
      tensor('b', [3, 32], { type: 'Q8_0', read: () => Promise.resolve(weights) }),
      tensor('c', [3, 32], { type: 'Q4_0', read: () => Promise.resolve(integers) }),
      tensor('d', [3, 32], { type: 'F16', read: () => Promise.resolve(weights) }),
    ]);
    const file = await read(bytes);
    expect(Object.fromEntries(file.metadata)).toEqual({
      ...metadata,
      'llama.rope.freq_base': 500_000,
      'llama.attention.head_count_kv': Uint32Array.of(2, 2),
    });
    expect([...file.tensors.values()].map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ['a', 'F32', [5]],
      ['b', 'Q8_0', [3, 32]],
      ['c', 'Q4_0', [3, 32]],
      ['d', 'F16', [3, 32]],
    ]);
    const { offset = 0, byteLength = 0 } = file.tensors.get('c') ?? {};
    expect(asQuantised('Q4_0', [3, 32], bytes.subarray(offset, offset + byteLength))).toEqual(integers);
  });

  it('may have keys and tensors with names that mean something to JavaScript', async () => {
    const metadata = new Map([['__proto__', 'x'], ['constructor', 'y']]); // prettier-ignore
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const part of writeGguf(metadata, [tensor('__proto__', [1])])) parts.push(part);
    const file = await read(new Uint8Array(await new Blob(parts).arrayBuffer()));
    expect(file.metadata.get('__proto__')).toBe('x');
    expect(file.tensors.get('__proto__')?.shape).toEqual([1]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('with a vocabulary of 150,000 tokens is read in windows, not whole', async () => {
    const tokens = Array.from({ length: 150_000 }, (_, i) => `token ${i}`);
    const bytes = await bytesWritten({ tokens, merges: tokens });
    let most = 0;
    const source: ByteSource = {
      sizeBytes: bytes.length,
      read: (start, end) => {
        most = Math.max(most, end - start);
        return Promise.resolve(bytes.slice(start, end));
      },
    };
    const { metadata } = await readGguf(source);
    expect(metadata.get('tokens')).toEqual(tokens);
    expect(most).toBeLessThanOrEqual(2 ** 20);
  });

  it('cannot be written with what no program reads', async () => {
    await expect(bytesWritten({ a: 0.5 })).rejects.toThrow(/"a" cannot be written.*0\.5/su);
    await expect(bytesWritten({ a: [] })).rejects.toThrow(/empty list/u);
    await expect(bytesWritten({}, [tensor('t', [2, 16], { type: 'Q8_0' })])).rejects.toThrow(
      /t of shape \[2, 16\].*32/su,
    );
    const short = tensor('t', [2, 32], { read: () => Promise.resolve(new Float32Array(3)) });
    await expect(bytesWritten({}, [short])).rejects.toThrow(/Tensor t.*12 bytes/su);
  });
});

/** Where things are in the file below. */
const SMALL = await bytesWritten({ k: 'abc', n: 7 }, [tensor('t', [2, 4]), tensor('u', [8])]);
const AT = {
  version: 4,
  tensors: 8,
  metadata: 16,
  keyLength: 24,
  type: 33,
  textLength: 37,
  dims: 74,
  type1: 94,
  offset: 98,
};

function changed(at: number, value: bigint | number, bytes = 4): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(SMALL);
  const view = new DataView(copy.buffer);
  if (bytes === 8) view.setBigUint64(at, BigInt(value), true);
  else view.setUint32(at, Number(value), true);
  return copy;
}

describe('a file is refused', () => {
  it.each([
    ['that is none', changed(0, 0x46554748), /does not begin as one.*GGUF/su],
    ['of another version', changed(AT.version, 1), /version 2 or 3.*version 1/su],
    ['in the other byte order', changed(AT.version, 0x03000000), /big-endian/u],
    ['with more tensors than bytes', changed(AT.tensors, 2n ** 63n, 8), /so many tensors/u],
    ['with more metadata than bytes', changed(AT.metadata, 2n ** 40n, 8), /so many metadata/u],
    ['with a key that is too long', changed(AT.keyLength, 2n ** 33n, 8), /key of the metadata is too long.*65535/su],
    ['with a text beyond its end', changed(AT.textLength, 1000, 8), /metadata "k" is longer than the rest.*1000/su],
    ['with a value of no type', changed(AT.type, 13), /metadata "k" has an unknown type.*13/su],
    ['with too many dimensions', changed(AT.dims, 5), /tensor "t" has a bad number of dimensions.*1 to 4/su],
    ['with a shape of no countable size', changed(AT.dims + 4, 2n ** 62n, 8), /tensor "t" has a bad shape/u],
    ['with an empty shape', changed(AT.dims + 4, 0, 8), /tensor "t" has a bad shape.*\[2, 0\]/su],
    ['with a type that the lab does not read', changed(AT.type1, 10), /tensor "t" has a type.*F32, F16.*Q2_K/su],
    ['with a row that no block fits', changed(AT.type1, 8), /tensor "t" has rows that Q8_0 cannot store.*32/su],
    ['with an offset out of place', changed(AT.offset, 8, 8), /tensor "t" has a bad offset.*multiple of 32/su],
    ['with tensors that overlap', changed(AT.offset, 32, 8), /overlaps/u],
    ['with a tensor beyond its end', changed(AT.offset, 2n ** 40n, 8), /tensor "t" goes past the end/u],
  ])('%s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'bad-file' });
  });

  it('with a key or a tensor twice', async () => {
    const twice = await bytesWritten({ kk: 1, kl: 2 });
    twice[twice.indexOf(0x6c)] = 0x6b; // "kl" becomes "kk"
    await expect(read(twice)).rejects.toThrow(/metadata "kk" occurs twice/u);
    await expect(read(await bytesWritten({}, [tensor('t', [1]), tensor('t', [1])]))).rejects.toThrow(
      /tensor "t" occurs twice/u,
    );
  });

  it('with an alignment that is none', async () => {
    await expect(read(await bytesWritten({ 'general.alignment': 48 }))).rejects.toThrow(
      /general\.alignment.*power of two.*48/su,
    );
    await expect(read(await bytesWritten({ 'general.alignment': 0 }))).rejects.toThrow(/general\.alignment/u);
    await expect(read(await bytesWritten({ 'general.alignment': 'x' }))).rejects.toThrow(/general\.alignment/u);
  });

  it('with a text that is not UTF-8', async () => {
    const bytes = await bytesWritten({ key: 'zzz' });
    bytes[bytes.indexOf(0x7a)] = 0xff;
    await expect(read(bytes)).rejects.toThrow(/metadata "key" is not a text.*UTF-8/su);
  });

  it('with lists nested without end, or longer than the file', async () => {
    const nested = (levels: number): Uint8Array<ArrayBuffer> => {
      const list = (left: number): number[] => {
        const count = (n: number): number[] => [...new Uint8Array(BigUint64Array.of(BigInt(n)).buffer)];
        return left === 0 ? [4, 0, 0, 0, ...count(0)] : [9, 0, 0, 0, ...count(1), ...list(left - 1)];
      };
      const start = [...SMALL.subarray(0, 8), ...new Uint8Array(16)];
      start[16] = 1;
      return Uint8Array.from([
        ...start,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0x6b,
        9,
        0,
        0,
        0,
        ...list(levels),
        ...new Uint8Array(64),
      ]);
    };
    expect((await read(nested(2))).metadata.get('k')).toEqual([[new Uint32Array()]]);
    await expect(read(nested(3))).rejects.toThrow(/metadata "k" is nested too deeply/u);
    await expect(read(nested(100))).rejects.toThrow(/metadata "k" is nested too deeply/u);
    const long = await bytesWritten({ k: Int32Array.of(1, 2) });
    long[41] = 0xff; // of the length
    await expect(read(long)).rejects.toThrow(/metadata "k" cannot have so many items/u);
  });

  it('wherever it is cut off or a byte is another, or it is read as it is; never with another error', async () => {
    const rng = new Rng(5);
    const bytes = fixtureBytes('llama', 'q4_0.gguf');
    const headerBytes = Math.min(...[...(await read(bytes)).tensors.values()].map(({ offset }) => offset));
    let refused = 0;
    for (let i = 0; i < 600; i++) {
      const isCut = i % 2 === 0;
      const at = rng.int(i % 10 === 0 ? bytes.length : headerBytes);
      const damaged = isCut ? bytes.slice(0, at) : Uint8Array.from(bytes);
      if (!isCut) damaged[at] = (damaged[at] ?? 0) ^ (1 << rng.int(8));
      const error: unknown = await read(damaged).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (isCut) expect(error, `cut at ${at}`).toBeInstanceOf(LabError);
      else expect(error === undefined || error instanceof LabError, `byte ${at}`).toBe(true);
      if (error !== undefined) refused += 1;
    }
    expect(refused).toBeGreaterThan(300);
  });
});

describe('types', () => {
  it('have blocks of whole bytes and ids of their own', () => {
    const ids = Object.values(GGML_TYPES).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
