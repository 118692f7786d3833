/**
 * A model whose weights are elsewhere as the files of a model folder, so that it can be kept and handed on as any other.
 * Matrices stay as they are stored where the lab knows the form; other blocks of GGUF become 8-bit integers, which err by
 * a small part of what those blocks do.
 */
import { quantise } from '../../checkpoint/quantised.ts';
import { type TensorData as FileTensor, writeSafetensors } from '../../checkpoint/safetensors.ts';
import { floatsToHalves, halvesToFloats } from '../../checkpoint/float16.ts';
import { fromHuggingFaceConfig, QUANTISATION_METHOD } from '../../config/model-config.ts';
import { type ModelFileName, type ModelSource, readModelJson } from '../../infer/lab-model.ts';
import { toFileTensors } from '../../model/stored-weights.ts';
import type { WeightSource } from '../../model/weight-source.ts';
import { weightShapes } from '../../model/weights.ts';
import { jsonBytes } from './model-files.ts';

/** Bytes of a weight up to which floats are kept as halves. */
const HALF_BYTES = 2;

/**
 * All files of a model.
 *
 * @throws {LabError} `bad-file`, `not-found` if the weights cannot be read
 */
export async function wholeFiles(files: ModelSource): Promise<ReadonlyMap<ModelFileName, Uint8Array>> {
  const { weights } = files;
  if (weights === undefined) return files;
  const json = readModelJson(files, 'config.json') as Readonly<Record<string, unknown>>;
  const tensors: FileTensor[] = [];
  for (const name of weightShapes(fromHuggingFaceConfig(json)).keys()) tensors.push(...(await stored(weights, name)));
  const isQuantised = tensors.some(({ dtype }) => dtype === 'I8' || dtype === 'U8');
  return new Map<ModelFileName, Uint8Array>([
    ...files,
    [
      'config.json',
      jsonBytes(isQuantised ? { ...json, quantization_config: { quant_method: QUANTISATION_METHOD } } : json),
    ],
    ['model.safetensors', writeSafetensors(tensors, new Map([['format', 'pt']]))],
  ]);
}

async function stored(weights: WeightSource, name: string): Promise<FileTensor[]> {
  const read = await weights.read(name);
  if ('bits' in read) return toFileTensors(new Map([[name, read]]));
  const { shape, data } = read;
  const [O, I, more] = shape;
  const isMatrix = O !== undefined && I !== undefined && more === undefined;
  const bytesEach = (weights.tensors.get(name)?.storedBytes ?? 0) / data.length;
  if (isMatrix && bytesEach < HALF_BYTES) return toFileTensors(new Map([[name, quantise(data, [O, I], 8)]]));
  if (isMatrix && bytesEach === HALF_BYTES) {
    const halves = floatsToHalves(data);
    // Not every bfloat16 is a half.
    if (halvesToFloats(halves).every((half, i) => half === data[i]))
      return [{ name, dtype: 'F16', shape, data: halves }];
  }
  return [{ name, dtype: 'F32', shape, data }];
}
