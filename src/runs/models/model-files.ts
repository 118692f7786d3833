/**
 * A trained model as the files of a model folder (infer/lab-model.ts). The command line writes them to disk; the page
 * passes them to the scoring worker.
 */
import { floatsToHalves } from '../../checkpoint/float16.ts';
import { writeSafetensors } from '../../checkpoint/safetensors.ts';
import { fromHuggingFaceConfig, type ModelConfig, toHuggingFaceConfig } from '../../config/model-config.ts';
import { parseConfig } from '../../config/parse.ts';
import type { StoredDtype } from '../../config/stored.ts';
import type { ModelTokenizer } from '../../data/tokenizer/model-tokenizer.ts';
import { VECTORS_FILE } from '../../vectors/static-vectors.ts';
import {
  type LabFile,
  LabFileSchema,
  type MODEL_FILES,
  type ModelFileName,
  readModelJson,
  tokenizerOfLab,
} from '../../infer/lab-model.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { readStoredWeights } from '../../model/stored-weights.ts';
import type { TensorData } from '../../model/weights.ts';
import { makeTransformersFiles, tokenIdsOf } from './transformers-files.ts';

/** The contents of a model folder. */
export interface ModelExport {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly dtype: StoredDtype;
  readonly tokenizer: ModelTokenizer;
  readonly lab: LabFile;
  readonly card: ModelCard;
  /** The file of vectors, if prompts show similarities. */
  readonly vectors?: Uint8Array | undefined;
}

/** The bytes of each file. */
export type ModelFileBytes = Readonly<
  Record<(typeof MODEL_FILES)[number], Uint8Array<ArrayBuffer>> &
    Partial<Record<ModelFileName, Uint8Array<ArrayBuffer>>>
>;

/** The files of a model. */
export function makeModelFiles({ config, weights, dtype, tokenizer, lab, card, vectors }: ModelExport): ModelFileBytes {
  const tensors = [...weights].map(([name, { shape, data }]) =>
    dtype === 'f16'
      ? { name, dtype: 'F16' as const, shape, data: floatsToHalves(data) }
      : { name, dtype: 'F32' as const, shape, data },
  );
  const { wording, ...plain }: { readonly wording?: unknown } = tokenizer.toJson();
  return {
    'config.json': jsonBytes({ ...toHuggingFaceConfig(config), ...tokenIdsOf(tokenizer) }),
    'tokenizer.json': jsonBytes(plain),
    'lab.json': jsonBytes({ ...lab, wording }),
    'card.json': jsonBytes(card),
    // Hugging Face loaders expect this entry.
    'model.safetensors': writeSafetensors(tensors, new Map([['format', 'pt']])),
    ...(vectors === undefined ? {} : { [VECTORS_FILE]: new Uint8Array(vectors) }),
  };
}

/**
 * The files of a model as they are in a folder on disk: with the files that only transformers reads, and the token ids
 * in `config.json` that earlier versions of the lab did not write. Quantised models are left unchanged, because only
 * the lab reads them.
 *
 * @throws {LabError} `bad-config`, `bad-tokenizer` or `bad-file` naming the file that cannot be read
 */
export function toFolderFiles(files: ReadonlyMap<ModelFileName, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  const stored = readStoredWeights(files.get('model.safetensors') ?? new Uint8Array());
  if ([...stored.values()].some((tensor) => 'bits' in tensor)) return files;
  const json = readModelJson(files, 'config.json') as Readonly<Record<string, unknown>>;
  const config = fromHuggingFaceConfig(json);
  const lab = parseConfig('lab.json', LabFileSchema, readModelJson(files, 'lab.json'));
  const tokenizer = tokenizerOfLab(files, lab);
  const extra = Object.entries(makeTransformersFiles(config, tokenizer));
  const ids = Object.entries(tokenIdsOf(tokenizer));
  const isConfigWhole = ids.every(([name, id]) => json[name] === id);
  return new Map<string, Uint8Array>([
    ...files,
    ...(isConfigWhole ? [] : [['config.json', jsonBytes({ ...json, ...Object.fromEntries(ids) })] as const]),
    ...extra.map(([name, contents]) => [name, jsonBytes(contents)] as const),
  ]);
}

/** A JSON file as the lab writes it: indented, with a final newline. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}
