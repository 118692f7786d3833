/**
 * Weights in several files, as in large Hugging Face models: `model.safetensors.index.json` maps tensors to files.
 *
 *     {"metadata": {...}, "weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors", ...}}
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors.ts';

/** The name of a file in the same folder; paths out of it are not allowed. */
const ShardNameSchema = v.pipe(v.string(), v.regex(/^[\w.-]+\.safetensors$/u));
const IndexSchema = v.object({ weight_map: v.record(v.string(), ShardNameSchema) });

/** The name of the file with the places of tensors. */
export const SHARD_INDEX = 'model.safetensors.index.json';

/** The file name of each tensor. */
export type ShardIndex = ReadonlyMap<string, string>;

/** Parses an index. @throws {LabError} `bad-file` */
export function readShardIndex(bytes: Uint8Array): ShardIndex {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw badIndex('JSON', 'something else', cause);
  }
  const parsed = v.safeParse(IndexSchema, json);
  if (parsed.success) return new Map(Object.entries(parsed.output.weight_map));
  const [issue] = parsed.issues;
  throw badIndex('weight_map: names of tensors with names of .safetensors files beside it', issue.message);
}

/**
 * One safetensors file with the tensors of all shards, unchanged.
 *
 * @param shards - the bytes of each file that the index names
 * @throws {LabError} `bad-file` if a shard cannot be read; `bad-checkpoint` if shards and index differ in their tensors
 */
export function joinShards(index: ShardIndex, shards: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const tensors: StoredTensor[] = [];
  for (const [file, bytes] of shards) {
    for (const [name, tensor] of readSafetensors(bytes).tensors) {
      if (index.get(name) !== file) throw misplaced(name, index.get(name) ?? 'no file', file);
      tensors.push(tensor);
    }
  }
  const found = new Set(tensors.map(({ name }) => name));
  const missing = [...index].find(([name]) => !found.has(name));
  if (missing !== undefined) throw misplaced(missing[0], missing[1], 'no file');
  return writeSafetensors(tensors, new Map([['format', 'pt']]));
}

function badIndex(expected: string, got: string, cause?: unknown): LabError {
  return new LabError('bad-file', {
    message: 'model.safetensors.index.json cannot be read.',
    expected,
    got,
    fix: 'Save the model again with save_pretrained.',
    cause,
  });
}

/** A tensor that is in another file than it should be. */
export function misplaced(name: string, expected: string, got: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `Tensor ${name} is not where model.safetensors.index.json has it.`,
    expected,
    got,
    fix: 'Take all files of the model from one export.',
  });
}
