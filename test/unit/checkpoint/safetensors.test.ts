import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { floatsToBfloats, floatsToHalves } from '../../../src/checkpoint/float16.ts';
import {
  readSafetensors,
  writeSafetensors,
  type SafetensorsDtype,
  type TensorData,
} from '../../../src/checkpoint/safetensors.ts';
import { LabError } from '../../../src/common/errors.ts';

const reference = new Uint8Array(readFileSync(new URL('../../fixtures/reference.safetensors', import.meta.url)));
const VALUES = [0.5, -1.25, 3, 65504, 6e-8, -0];

const anyTensors: fc.Arbitrary<TensorData[]> = fc.uniqueArray(
  fc
    .record({
      name: fc
        .string({ unit: 'binary', maxLength: 12 })
        .filter((name) => !['__proto__', 'prototype', 'constructor', '__metadata__'].includes(name)),
      dtype: fc.constantFrom<SafetensorsDtype[]>('F32', 'F16', 'BF16', 'I32', 'U8', 'F64', 'I64', 'BOOL'),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
    })
    .map(({ name, dtype, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const data = Uint8Array.from({ length: count * sizeOf(dtype) }, (_, i) => i * 7 + name.length);
      return { name, dtype, shape, data };
    }),
  { selector: ({ name }) => name, maxLength: 6 },
);

describe('writeSafetensors and readSafetensors', () => {
  it('round-trip any tensors and metadata', () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const texts = new Map(Object.entries(metadata));
        const file = readSafetensors(writeSafetensors(tensors, texts));
        expect(file.metadata).toEqual(texts);
        expect(file.tensors.size).toBe(tensors.length);
        for (const { name, dtype, shape, data } of tensors) {
          const stored = file.tensors.get(name);
          expect(stored).toMatchObject({ name, dtype, shape });
          expect(stored?.data).toEqual(data);
          expect(stored?.data.byteOffset ?? 1).toSatisfy((offset: number) => offset % sizeOf(dtype) === 0);
        }
      }),
    );
  });

  it('write equal files for equal sets of tensors, in any order', () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        expect(writeSafetensors(tensors.toReversed())).toEqual(writeSafetensors(tensors));
      }),
    );
  });

  it('keep names that look like array indices in the order of their data', () => {
    const tensor = (name: string, dtype: SafetensorsDtype, data: ArrayBufferView): TensorData => ({
      name,
      dtype,
      shape: [1],
      data,
    });
    const file = writeSafetensors([tensor('7', 'U8', Uint8Array.of(1)), tensor('a', 'F32', Float32Array.of(2))]);
    expect([...readSafetensors(file).tensors.keys()]).toEqual(['a', '7']);
  });

  it('read floats from every floating type, aligned or not', () => {
    const floats = Float32Array.of(1, -0.5, 0.25);
    const file = writeSafetensors([
      { name: 'f32', dtype: 'F32', shape: [3], data: floats },
      { name: 'f16', dtype: 'F16', shape: [3], data: floatsToHalves(floats) },
      { name: 'bf16', dtype: 'BF16', shape: [3], data: floatsToBfloats(floats) },
      { name: 'f64', dtype: 'F64', shape: [3], data: Float64Array.from(floats) },
      { name: 'i32', dtype: 'I32', shape: [1], data: Int32Array.of(1) },
    ]);
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    // A Buffer is what Node reads a file into; its `slice` copies nothing.
    const asInNode = Buffer.from(shifted.buffer, 1);
    for (const { tensors } of [file, shifted.subarray(1), asInNode].map((bytes) => readSafetensors(bytes))) {
      for (const name of ['f32', 'f16', 'bf16', 'f64']) expect(tensors.get(name)?.toFloat32()).toEqual(floats);
      expect(() => tensors.get('i32')?.toFloat32()).toThrow(/Tensor i32 .* Got I32/);
    }
  });

  it('reject tensors that cannot be written', () => {
    const data = new Float32Array(4);
    expect(() => writeSafetensors([{ name: 'w', dtype: 'F32', shape: [5], data }])).toThrow(
      /Tensor w of shape \[5\].* 20 bytes. Got 16/,
    );
    expect(() => writeSafetensors([{ name: 'w', dtype: 'F32', shape: [-1, -4], data }])).toThrow(/whole numbers/);
    const twice = { name: 'w', dtype: 'F32', shape: [4], data } as const;
    expect(() => writeSafetensors([twice, twice])).toThrow(LabError);
    expect(() => writeSafetensors([{ ...twice, name: '__metadata__' }])).toThrow(LabError);
    expect(() => writeSafetensors([{ ...twice, name: '__proto__' }])).toThrow(LabError);
  });
});

describe('the file of the reference implementation', () => {
  const { metadata, tensors } = readSafetensors(reference);

  it('can be read', () => {
    expect(metadata.get('made by')).toBe('the reference "implementation"');
    expect(tensors.size).toBe(10);
    expect(tensors.get('layer.0.weight')?.shape).toEqual([2, 3]);
    expect([...(tensors.get('layer.0.weight')?.toFloat32() ?? [])]).toEqual(VALUES.map(Math.fround));
    expect([...(tensors.get('double')?.toFloat32() ?? [])]).toEqual(VALUES.map(Math.fround));
    expect([...(tensors.get('half')?.toFloat32() ?? [])]).toEqual([...VALUES.slice(0, 4), 2 ** -24, -0]);
    expect(tensors.get('scalar')).toMatchObject({ shape: [], dtype: 'F32' });
    expect(tensors.get('empty')?.data.length).toBe(0);
    expect([...(tensors.get('flags')?.data ?? [])]).toEqual([1, 0, 1]);
    expect(tensors.get('größe')?.toFloat32()).toEqual(Float32Array.of(1));
  });

  it('is reproduced byte for byte', () => {
    expect(writeSafetensors(tensors.values(), metadata)).toEqual(reference);
  });
});

describe('readSafetensors on any JSON header', () => {
  // One tensor of two bytes, described by valid JSON with all its freedom.
  const whole = fc.constantFrom('2', '2.0', '2e0', '20e-1', '0.2e1');
  const zero = fc.constantFrom('0', '-0', '0.0', '0e5', '-0.0');
  const space = fc.constantFrom('', ' ', '\n', '\t ');
  const name = fc.constantFrom('a', 'b', 'shape', '__metadata__ ', 'größe', '\\"[{,:', '\\\\');
  const described = fc.record({ names: fc.array(name, { minLength: 1, maxLength: 3 }), whole, zero, space });

  it('accepts exactly the headers with unique tensor names and sizes written as digits', () => {
    fc.assert(
      fc.property(described, ({ names, whole: two, zero: none, space: gap }) => {
        // All but the first are empty, so that only the varied parts can be wrong.
        const info = (size: string, from: string, to: string): string =>
          `{"dtype":"U8",${gap}"shape":[${size}],"note":[1.5,-0,{"shape":"x"}],"data_offsets":[${from},${gap}${to}]}`;
        const tensors = names.map(
          (each, i) => `"${each}":${gap}${i === 0 ? info(two, none, two) : info('0', '2', '2')}`,
        );
        const header = new TextEncoder().encode(`{${tensors.join(`${gap},`)}}`);
        const bytes = new Uint8Array(8 + header.length + 2);
        new DataView(bytes.buffer).setUint32(0, header.length, true);
        bytes.set(header, 8);
        const isFit = two === '2' && none === '0' && new Set(names).size === names.length;
        if (isFit) expect(readSafetensors(bytes).tensors.size).toBe(names.length);
        else expectBadFile(() => readSafetensors(bytes));
      }),
    );
  });
});

describe('readSafetensors on broken files', () => {
  const one = '"dtype":"U8","shape":[4],"data_offsets":[0,4]';
  const broken: Readonly<Record<string, readonly [header: string, dataBytes: number]>> = {
    'not an object': ['[]', 0],
    'a text before the object': [' {}', 0],
    'not JSON': ['{"a":', 0],
    'an array after the brace': ['{]', 0],
    'a tensor that is not an object': ['{"a":4}', 0],
    'a null tensor': ['{"a":null}', 0],
    'no dtype': ['{"a":{"shape":[0],"data_offsets":[0,0]}}', 0],
    'an unknown dtype': ['{"a":{"dtype":"F7","shape":[4],"data_offsets":[0,4]}}', 4],
    'a dtype from the prototype': ['{"a":{"dtype":"toString","shape":[4],"data_offsets":[0,4]}}', 4],
    'a negative size': ['{"a":{"dtype":"U8","shape":[-2,-2],"data_offsets":[0,4]}}', 4],
    'a fractional size': ['{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,4]}}', 4],
    'a size as text': ['{"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}', 4],
    'a shape that overflows': [
      '{"a":{"dtype":"F64","shape":[9007199254740991,9007199254740991,4],"data_offsets":[0,4]}}',
      4,
    ],
    'a shape that is too small': ['{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}', 4],
    'bytes that are not a whole value': ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}', 3],
    'offsets beyond the end': ['{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}', 4],
    'offsets in reverse': ['{"a":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}}', 4],
    'three offsets': ['{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}', 4],
    'an overlap': [`{"a":{${one}},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4],
    'the same bytes for two tensors': [`{"a":{${one}},"b":{${one}}}`, 4],
    'a gap': [`{"a":{${one}},"b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}`, 6],
    'a gap at the start': ['{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}', 4],
    'data after the last tensor': [`{"a":{${one}}}`, 5],
    'a name from the prototype': [`{"__proto__":{${one}}}`, 4],
    'metadata that is not an object': ['{"__metadata__":[]}', 0],
    'metadata that is not a text': ['{"__metadata__":{"a":1}}', 0],
    'the same tensor name twice': [`{"a":{${one}},"a":{${one}}}`, 4],
    'the same name in two spellings': [`{"a":{${one}},"\\u0061":{${one}}}`, 4],
    'metadata twice': ['{"__metadata__":{"x":"1"},"__metadata__":{"y":"2"}}', 0],
    'a metadata key twice': ['{"__metadata__":{"x":"1","x":"2"}}', 0],
    'a field twice': ['{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4],
    'a size with a zero fraction': ['{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}', 4],
    'a size with an exponent': ['{"a":{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}}', 4],
    'a negative zero in the shape': ['{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}', 0],
    'a negative zero as an offset': ['{"a":{"dtype":"U8","shape":[4],"data_offsets":[-0,4]}}', 4],
    'an offset with an exponent': ['{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4E0]}}', 4],
    'an overflow that a zero hides': [
      '{"a":{"dtype":"F32","shape":[4503599627370496,4503599627370496,0],"data_offsets":[0,0]}}',
      0,
    ],
    'a size beyond the precision of a number': [
      '{"a":{"dtype":"U8","shape":[9007199254740993,0],"data_offsets":[0,0]}}',
      0,
    ],
    'an unpaired surrogate': [`{"\\ud800":{${one}}}`, 4],
    'deep nesting in an unused field': [`{"a":{${one},"more":${'['.repeat(200)}${']'.repeat(200)}}}`, 4],
    'very deep nesting': [`{"a":${'['.repeat(200_000)}`, 0],
  };

  it.each(Object.entries(broken))('rejects %s', (_name, [header, dataBytes]) => {
    const bytes = new Uint8Array(8 + header.length + dataBytes);
    bytes.set(new TextEncoder().encode(header), 8);
    new DataView(bytes.buffer).setUint32(0, header.length, true);
    expectBadFile(() => readSafetensors(bytes, 'weights.safetensors'));
  });

  it('rejects a header length beyond the file, the format or 2^53, and invalid UTF-8', () => {
    const lengths = [3n, 100_000_001n, 2n ** 53n + 8n, 2n ** 64n - 1n];
    for (const length of lengths) {
      const bytes = new Uint8Array(10);
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      expectBadFile(() => readSafetensors(bytes));
    }
    expectBadFile(() => readSafetensors(Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0xff, 0x7d)));
    expectBadFile(() => readSafetensors(new Uint8Array()));
  });

  it('rejects every truncation of a valid file', () => {
    for (let length = 0; length < reference.length; length++)
      expectBadFile(() => readSafetensors(reference.subarray(0, length)));
  });

  it('gives bad-file or a file for any bytes and any change to a valid file', () => {
    const changes = fc.array(fc.record({ at: fc.nat(reference.length - 1), byte: fc.nat(255) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), changes.map(changed)), (bytes) => {
        let tensors;
        try {
          ({ tensors } = readSafetensors(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-file' });
          return;
        }
        // An accepted file accounts for each byte of the data.
        const dataBytes = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
        expect(dataBytes).toBe(bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true)));
      }),
      { numRuns: 2000 },
    );
  });
});

function changed(changes: readonly { at: number; byte: number }[]): Uint8Array {
  const bytes = reference.slice();
  for (const { at, byte } of changes) bytes[at] = byte;
  return bytes;
}

function expectBadFile(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(LabError);
    expect((error as LabError).code).toBe('bad-file');
    expect((error as LabError).message).toMatch(/Expected .+ Got .+ Save or download/s);
    return;
  }
  expect.fail('the file was accepted');
}

function sizeOf(dtype: SafetensorsDtype): number {
  if (dtype === 'BOOL') return 1;
  if (dtype === 'BF16') return 2;
  return Number(dtype.slice(1)) / 8;
}
