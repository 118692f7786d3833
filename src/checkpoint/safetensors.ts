/**
 * The safetensors format: a length, a JSON header, and the bytes of the tensors. Pure functions of bytes.
 *
 *     8 bytes: header length H, little-endian | H bytes: {"name": {"dtype", "shape", "data_offsets"}, ...} | data
 *
 * Files are untrusted, so everything is checked before it is used: lengths, shapes against byte counts, and that the
 * tensors fill the data exactly, without overlap or gap. Reading copies nothing; a tensor is a view until it is
 * converted to floats.
 *
 * Writing sorts as the reference implementation does (wider types first, then by name), so that equal tensors give
 * equal files and every tensor is aligned for its type. Source: https://github.com/huggingface/safetensors (format,
 * lib.rs).
 */
import { LabError } from '../common/errors.ts';
import { bfloatsToFloats, halvesToFloats } from './float16.ts';
import {
  byteCount,
  compareDtypes,
  FORBIDDEN_NAMES,
  isCounts,
  LENGTH_BYTES,
  METADATA_KEY,
  parseHeader,
  readHeaderLength,
  type SafetensorsDtype,
} from './safetensors-header.ts';
import { hasLoneSurrogate } from './strict-header.ts';

export type { SafetensorsDtype };

/** A named tensor; `data` holds its values in row-major order, little-endian. */
export interface TensorData {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** A parsed file, with its tensors in the order of their data. */
export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** A tensor inside a file; its bytes are a view of those of the file. */
export class StoredTensor implements TensorData {
  constructor(
    readonly name: string,
    readonly dtype: SafetensorsDtype,
    readonly shape: readonly number[],
    readonly data: Uint8Array,
  ) {}

  /**
   * The values as float32: a view of the file if it has aligned float32 values, else a copy.
   *
   * @throws {LabError} `bad-checkpoint` if the tensor is not of type F32, F16, BF16 or F64.
   */
  toFloat32(): Float32Array {
    switch (this.dtype) {
      case 'F32': {
        const { buffer, byteOffset } = aligned(this.data, 4);
        return new Float32Array(buffer, byteOffset, this.data.byteLength / 4);
      }
      case 'F64': {
        const { buffer, byteOffset } = aligned(this.data, 8);
        return Float32Array.from(new Float64Array(buffer, byteOffset, this.data.byteLength / 8));
      }
      case 'F16':
        return halvesToFloats(this.#halfWords());
      case 'BF16':
        return bfloatsToFloats(this.#halfWords());
      default:
        throw new LabError('bad-checkpoint', {
          message: `Tensor ${this.name} does not hold floating-point numbers.`,
          expected: 'F32, F16, BF16 or F64',
          got: this.dtype,
        });
    }
  }

  #halfWords(): Uint16Array {
    const { buffer, byteOffset } = aligned(this.data, 2);
    return new Uint16Array(buffer, byteOffset, this.data.byteLength / 2);
  }
}

/**
 * Writes a safetensors file.
 *
 * @param metadata - texts to store with the tensors, such as a config; written in key order
 * @throws {LabError} `bad-shape` if data and shape do not match; `bad-checkpoint` for an invalid or repeated name
 */
export function writeSafetensors(
  tensors: Iterable<TensorData>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].toSorted(compareTensors);
  // Entries instead of an object, whose integer-like keys such as "7" would come first.
  const entries: string[] = [];
  if (metadata.size > 0) {
    const texts = [...metadata].toSorted(([a], [b]) => compareText(a, b)).map(([key, text]) => jsonEntry(key, text));
    entries.push(`${JSON.stringify(METADATA_KEY)}:{${texts.join(',')}}`);
  }
  const names = new Set<string>();
  let dataBytes = 0;
  for (const { name, dtype, shape, data } of sorted) {
    checkNewName(name, names);
    checkSize(name, shape, dtype, data.byteLength);
    entries.push(jsonEntry(name, { dtype, shape, data_offsets: [dataBytes, dataBytes + data.byteLength] }));
    dataBytes += data.byteLength;
  }

  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const headerBytes = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Parses a safetensors file without copying it.
 *
 * @param fileName - the name of the file in errors
 * @throws {LabError} `bad-file` if anything violates the format
 */
export function readSafetensors(bytes: Uint8Array, fileName = 'The safetensors file'): SafetensorsFile {
  const headerBytes = readHeaderLength(bytes, bytes.length, fileName);
  const header = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  const data = plain(bytes).subarray(LENGTH_BYTES + headerBytes);
  const { metadata, infos } = parseHeader(header, data.length, fileName);
  const tensors = new Map(
    infos.map(({ name, dtype, shape, begin, end }) => [
      name,
      new StoredTensor(name, dtype, shape, data.subarray(begin, end)),
    ]),
  );
  return { metadata, tensors };
}

function checkNewName(name: string, names: Set<string>): void {
  if (name === METADATA_KEY || FORBIDDEN_NAMES.has(name) || names.has(name) || hasLoneSurrogate(name)) {
    throw new LabError('bad-checkpoint', {
      message: 'A tensor name is not valid.',
      expected: 'a unique name of valid Unicode that is not reserved',
      got: name,
    });
  }
  names.add(name);
}

function checkSize(name: string, shape: readonly number[], dtype: SafetensorsDtype, sizeBytes: number): void {
  const expected = byteCount(shape, dtype);
  if (isCounts(shape) && expected === sizeBytes) return;
  throw new LabError('bad-shape', {
    message: `Tensor ${name} of shape [${shape.join(', ')}] and type ${dtype} cannot be written.`,
    expected: `whole numbers in the shape and ${expected ?? 'a countable number of'} bytes`,
    got: String(sizeBytes),
  });
}

function compareTensors(a: TensorData, b: TensorData): number {
  return compareDtypes(a.dtype, b.dtype) || compareText(a.name, b.name);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function jsonEntry(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** The same bytes; of a Buffer, as Node reads files, because the `slice` of one is no copy. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function aligned(bytes: Uint8Array, unit: number): { readonly buffer: ArrayBufferLike; readonly byteOffset: number } {
  return bytes.byteOffset % unit === 0 ? bytes : bytes.slice();
}
