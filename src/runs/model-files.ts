/**
 * A trained model as the files of a model folder (infer/lab-model.ts): the command line writes them to a disk, the page
 * hands them to the thread that answers.
 */
import { floatsToHalves } from '../checkpoint/float16.ts';
import { writeSafetensors } from '../checkpoint/safetensors.ts';
import { type ModelConfig, toHuggingFaceConfig } from '../config/model-config.ts';
import type { LabTokenizer } from '../data/tokenizer/tokenizer.ts';
import type { LabFile, ModelFileName } from '../infer/lab-model.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { TensorData } from '../model/weights.ts';
import { makeTransformersFiles, tokenIdsOf } from './transformers-files.ts';

/** The types weights can be stored as. */
export const STORED_DTYPES = ['f32', 'f16'] as const;
export type StoredDtype = (typeof STORED_DTYPES)[number];

/** The contents of a model folder. */
export interface ModelExport {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly dtype: StoredDtype;
  readonly tokenizer: LabTokenizer;
  readonly lab: LabFile;
  readonly card: ModelCard;
}

/** The bytes of each file. */
export type ModelFileBytes = Readonly<Record<ModelFileName, Uint8Array<ArrayBuffer>>>;

/** The files of a model. */
export function makeModelFiles({ config, weights, dtype, tokenizer, lab, card }: ModelExport): ModelFileBytes {
  const tensors = [...weights].map(([name, { shape, data }]) =>
    dtype === 'f16'
      ? { name, dtype: 'F16' as const, shape, data: floatsToHalves(data) }
      : { name, dtype: 'F32' as const, shape, data },
  );
  return {
    'config.json': jsonBytes({ ...toHuggingFaceConfig(config), ...tokenIdsOf(tokenizer) }),
    'tokenizer.json': jsonBytes(tokenizer.toJson()),
    'lab.json': jsonBytes(lab),
    'card.json': jsonBytes(card),
    // Hugging Face loaders expect this entry.
    'model.safetensors': writeSafetensors(tensors, new Map([['format', 'pt']])),
  };
}

/** The files of a model folder on a disk: those of {@link makeModelFiles}, and those that only transformers reads. */
export function makeFolderFiles(model: ModelExport): ReadonlyMap<string, Uint8Array> {
  const extra = Object.entries(makeTransformersFiles(model.config, model.tokenizer));
  return new Map([
    ...Object.entries(makeModelFiles(model)),
    ...extra.map(([name, json]) => [name, jsonBytes(json)] as const),
  ]);
}

/** A JSON file as this lab writes it: readable, and with a line end at its end. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}
