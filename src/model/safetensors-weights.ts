/**
 * The weights of one or several safetensors files, read tensor by tensor. Floats may be F32, F16, BF16 or F64; matrices
 * that the lab has quantised (stored-weights.ts) stay integers.
 */
import type { ByteSource } from '../checkpoint/byte-source.ts';
import type { QuantisedData } from '../checkpoint/quantised.ts';
import { LENGTH_BYTES, parseHeader, readHeaderLength, type TensorInfo } from '../checkpoint/safetensors-header.ts';
import { StoredTensor } from '../checkpoint/safetensors.ts';
import { misplaced, type ShardIndex } from '../checkpoint/shards.ts';
import { LabError } from '../common/errors.ts';
import { asHalves, isScales, isWhole, quantisedShape, SCALES } from './stored-weights.ts';
import type { RowRange, SourceTensor, WeightSource } from './weight-source.ts';
import type { TensorData } from './weights.ts';

/** A tensor in one of the files. */
interface Placed extends TensorInfo {
  readonly source: ByteSource;
  /** The position of the data of its file. */
  readonly dataStart: number;
}

const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64']);
/** Frequencies that older versions of transformers stored; they follow from the config. */
const COMPUTED = /\.rotary_emb\.inv_freq$/u;

/**
 * The weights of the files of a model. Reads their headers.
 *
 * @param files - by name
 * @param index - the file of each tensor, if there is such an index; then all its tensors are looked for
 * @throws {LabError} `bad-file` for a file that violates the format; `bad-checkpoint` for a tensor in another file than
 *   the index says or in two files, of a type that is no weight, or integers without matching scales
 */
export async function safetensorsWeights(
  files: ReadonlyMap<string, ByteSource>,
  index?: ShardIndex,
): Promise<WeightSource> {
  const placed = new Map<string, Placed>();
  const fileOf = new Map<string, string>();
  for (const [file, source] of files) {
    for (const tensor of await readPlaces(file, source)) {
      const wanted = index === undefined ? fileOf.get(tensor.name) : (index.get(tensor.name) ?? 'no file');
      if (wanted !== undefined && wanted !== file) throw misplaced(tensor.name, wanted, file);
      fileOf.set(tensor.name, file);
      placed.set(tensor.name, tensor);
    }
  }
  const missing = [...(index ?? [])].find(([name]) => !placed.has(name));
  if (missing !== undefined) throw misplaced(missing[0], missing[1], 'no file');
  const tensors = new Map(
    [...placed.values()]
      .filter(({ name }) => !COMPUTED.test(name) && !isScales(name, placed))
      .map((tensor) => [tensor.name, describe(tensor, placed.get(`${tensor.name}${SCALES}`))] as const),
  );
  return {
    tensors,
    read: async (name, rows) => {
      const tensor = tensors.has(name) ? placed.get(name) : undefined;
      if (tensor === undefined) throw new LabError('not-found', { message: `The weights have no tensor ${name}.` });
      return isWhole(tensor) ? readQuantised(tensor, placed.get(`${name}${SCALES}`), rows) : readFloats(tensor, rows);
    },
  };
}

async function readPlaces(file: string, source: ByteSource): Promise<Placed[]> {
  const start = await source.read(0, Math.min(LENGTH_BYTES, source.sizeBytes));
  const dataStart = LENGTH_BYTES + readHeaderLength(start, source.sizeBytes, file);
  const header = await source.read(LENGTH_BYTES, dataStart);
  const { infos } = parseHeader(header, source.sizeBytes - dataStart, file);
  return infos.map((info) => ({ ...info, source, dataStart }));
}

function describe(tensor: Placed, scales: Placed | undefined): SourceTensor {
  const { name, dtype, shape } = tensor;
  if (isWhole(tensor)) {
    const storedBytes = bytesOf(tensor) + (scales === undefined ? 0 : bytesOf(scales));
    return { ...quantisedShape(tensor, scales), storedBytes };
  }
  if (!FLOATS.has(dtype)) {
    throw new LabError('bad-checkpoint', {
      message: `Tensor ${name} does not hold weights.`,
      expected: 'F32, F16, BF16 or F64',
      got: dtype,
      fix: 'Use the model as it was before it was quantised.',
    });
  }
  return { shape, storedBytes: bytesOf(tensor) };
}

function bytesOf({ begin, end }: Placed): number {
  return end - begin;
}

async function readFloats(tensor: Placed, rows: RowRange | undefined): Promise<TensorData> {
  const { name, dtype, shape } = tensor;
  const got = rows === undefined ? shape : [rows[1] - rows[0], ...shape.slice(1)];
  return { shape: got, data: new StoredTensor(name, dtype, got, await readBytes(tensor, rows)).toFloat32() };
}

async function readQuantised(
  tensor: Placed,
  scales: Placed | undefined,
  rows: RowRange | undefined,
): Promise<QuantisedData> {
  const { shape: [O, I], bits } = quantisedShape(tensor, scales); // prettier-ignore
  const values = await readBytes(tensor, rows);
  const halves = scales === undefined ? new Uint8Array() : await readBytes(scales, rows);
  return { shape: [rows === undefined ? O : rows[1] - rows[0], I], bits, values, scales: asHalves(halves) };
}

function readBytes(tensor: Placed, rows: RowRange | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const { source, dataStart, begin, end, shape } = tensor;
  const rowBytes = bytesOf(tensor) / (shape[0] ?? 1);
  const [from, to] = rows === undefined ? [begin, end] : [begin + rows[0] * rowBytes, begin + rows[1] * rowBytes];
  return source.read(dataStart + from, dataStart + to);
}
