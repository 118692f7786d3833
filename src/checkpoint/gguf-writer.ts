/**
 * Writes GGUF files (gguf.ts), one tensor at a time, in version 3. Matrices of the lab in 8 or 4 bits become Q8_0 and
 * Q4_0 with the same integers and scales.
 */
import { LabError } from '../common/errors.ts';
import { floatsToHalves } from './float16.ts';
import { GGML_TYPES, ggmlBytes } from './ggml-types.ts';
import { quantise, type QuantisedData } from './quantised.ts';

/** The types that are written. */
export type WrittenType = 'F32' | 'F16' | 'Q8_0' | 'Q4_0';

/** A tensor to write; its weights are asked for when it is its turn. */
export interface WrittenTensor {
  /** The name in GGUF: `blk.0.attn_q.weight`. */
  readonly name: string;
  /** Outermost first. */
  readonly shape: readonly number[];
  readonly type: WrittenType;
  /** The floats, which are rounded to the type, or integers of the bits of the type in groups of 32. */
  read(): Promise<Float32Array | QuantisedData>;
}

/** A float, because llama.cpp does not take `rope.freq_base` as an integer. */
export interface WrittenFloat {
  readonly f32: number;
}

/** A value; plain numbers have to be whole, from 0 to 2^32 - 1. Lists are written as such; none may be empty. */
export type WrittenValue = string | number | boolean | WrittenFloat | readonly string[] | readonly number[] | Float32Array | Int32Array; // prettier-ignore

const utf8 = new TextEncoder();
const ALIGNMENT = 32;
const VERSION = 3;
const U32 = 4;
const I32 = 5;
const F32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/**
 * The bytes of a file, in parts.
 *
 * @param metadata - in the order of writing; `general.architecture` is to be the first
 * @throws {LabError} `bad-shape` for a tensor that its type cannot store, or whose weights do not fit its shape;
 *   `bad-config` for a value that cannot be written
 */
export async function* writeGguf(
  metadata: ReadonlyMap<string, WrittenValue>,
  tensors: readonly WrittenTensor[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const header = new Bytes();
  header.add(utf8.encode('GGUF'));
  header.u32(VERSION);
  header.u64(tensors.length);
  header.u64(metadata.size);
  for (const [key, value] of metadata) {
    header.text(key);
    addValue(header, key, value);
  }
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    header.text(name);
    header.u32(shape.length);
    for (const size of shape.toReversed()) header.u64(size);
    header.u32(GGML_TYPES[type].id);
    header.u64(offset);
    offset = aligned(offset + sizeOf(name, shape, type));
  }
  yield header.all();
  yield new Uint8Array(aligned(header.size) - header.size);
  for (const tensor of tensors) {
    const bytes = toBytes(tensor, await tensor.read());
    yield bytes;
    yield new Uint8Array(aligned(bytes.length) - bytes.length);
  }
}

/** Bytes that are collected in one array, which doubles when it is full. */
class Bytes {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  size = 0;

  all(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.size);
  }

  add(part: Uint8Array): void {
    const at = this.#step(part.length); // may make a larger array
    this.#bytes.set(part, at);
  }

  u32(value: number): void {
    const at = this.#step(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#step(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  text(text: string): void {
    const bytes = utf8.encode(text);
    this.u64(bytes.length);
    this.add(bytes);
  }

  #step(bytes: number): number {
    const start = this.size;
    this.size += bytes;
    if (this.size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.size));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}

function addValue(bytes: Bytes, key: string, value: WrittenValue): void {
  if (typeof value === 'object' && 'length' in value) {
    addList(bytes, key, value);
  } else if (typeof value === 'string') {
    bytes.u32(STRING);
    bytes.text(value);
  } else if (typeof value === 'boolean') {
    bytes.u32(BOOL);
    bytes.add(Uint8Array.of(Number(value)));
  } else if (typeof value === 'number') {
    bytes.u32(U32);
    bytes.u32(whole(key, value));
  } else {
    bytes.u32(F32);
    bytes.add(new Uint8Array(Float32Array.of(value.f32).buffer));
  }
}

function addList(bytes: Bytes, key: string, list: readonly (string | number)[] | Float32Array | Int32Array): void {
  bytes.u32(ARRAY);
  const isText = typeof list[0] === 'string';
  bytes.u32(list instanceof Float32Array ? F32 : list instanceof Int32Array ? I32 : isText ? STRING : U32);
  bytes.u64(list.length);
  if (list.length === 0) throw unwritable(key, 'an empty list');
  if (list instanceof Float32Array || list instanceof Int32Array) {
    bytes.add(new Uint8Array(list.buffer, list.byteOffset, list.byteLength));
    return;
  }
  for (const item of list) {
    if (isText !== (typeof item === 'string')) throw unwritable(key, 'a list of texts and numbers');
    if (typeof item === 'string') bytes.text(item);
    else bytes.u32(whole(key, item));
  }
}

function whole(key: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw unwritable(key, String(value));
}

function unwritable(key: string, got: string): LabError {
  return new LabError('bad-config', {
    message: `Metadata ${JSON.stringify(key)} cannot be written to a GGUF file.`,
    expected: 'a text, a truth value, a whole number of 32 bits, a float, or a list of one of these',
    got,
  });
}

function sizeOf(name: string, shape: readonly number[], type: WrittenType): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > 0 && (shape.at(-1) ?? 0) % GGML_TYPES[type].weights === 0) return ggmlBytes(type, count);
  throw unfit(name, shape, type, 'another shape');
}

function toBytes({ name, shape, type }: WrittenTensor, weights: Float32Array | QuantisedData): Uint8Array<ArrayBuffer> {
  const sizeBytes = sizeOf(name, shape, type);
  const bytes = blocksOf(name, shape, type, weights);
  if (bytes.length !== sizeBytes) throw unfit(name, shape, type, `${bytes.length} bytes`);
  return bytes;
}

function blocksOf(
  name: string,
  shape: readonly number[],
  type: WrittenType,
  weights: Float32Array | QuantisedData,
): Uint8Array<ArrayBuffer> {
  if (type === 'F32' || type === 'F16') {
    if ('bits' in weights) throw unfit(name, shape, type, `integers of ${weights.bits} bits`);
    const stored = type === 'F32' ? weights.slice() : floatsToHalves(weights);
    return new Uint8Array(stored.buffer);
  }
  const bits = type === 'Q8_0' ? 8 : 4;
  const width = shape.at(-1) ?? 0;
  const integers = 'bits' in weights ? weights : quantise(weights, [weights.length / width, width], bits);
  const isFit = integers.bits === bits && integers.scales.length * 32 === integers.shape[0] * integers.shape[1];
  if (!isFit) throw unfit(name, shape, type, `integers of ${integers.bits} bits in other groups`);
  return toBlocks(integers);
}

/** The reverse of `asQuantised` (gguf-blocks.ts). */
function toBlocks({ bits, values, scales }: QuantisedData): Uint8Array<ArrayBuffer> {
  const valueBytes = 4 * bits;
  const blocks = new Uint8Array(scales.length * (valueBytes + 2));
  for (const [block, scale] of scales.entries()) {
    const at = block * (valueBytes + 2);
    const group = values.subarray(block * valueBytes, (block + 1) * valueBytes);
    blocks.set([scale & 0xff, scale >> 8], at);
    blocks.set(bits === 8 ? group : spreadNibbles(group), at + 2);
  }
  return blocks;
}

/** From neighbours in a byte, two's complement, to halves of the group in a byte, offset by 8. */
function spreadNibbles(group: Uint8Array): Uint8Array {
  const nibble = (i: number): number => (((group[i >> 1] ?? 0) >> (4 * (i & 1))) & 0xf) ^ 8;
  return Uint8Array.from({ length: 16 }, (_, i) => nibble(i) | (nibble(i + 16) << 4));
}

function unfit(name: string, shape: readonly number[], type: WrittenType, got: string): LabError {
  return new LabError('bad-shape', {
    message: `Tensor ${name} of shape [${shape.join(', ')}] cannot be written as ${type}.`,
    expected: `rows of a multiple of ${GGML_TYPES[type].weights} weights, as many as the shape says`,
    got,
  });
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}
