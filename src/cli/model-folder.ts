/**
 * Model folders on disk.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floatsToHalves } from '../checkpoint/float16.ts';
import { writeSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import { type ModelConfig, toHuggingFaceConfig } from '../config/model-config.ts';
import type { LabTokenizer } from '../data/tokenizer.ts';
import { type LabFile, type LabModel, loadLabModel, MODEL_FILES, type ModelFileName } from '../infer/lab-model.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { TensorData } from '../model/weights.ts';

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

/**
 * Loads a model folder onto the current backend.
 *
 * @throws {LabError} `not-found` if the folder or a file is missing; what {@link loadLabModel} throws
 */
export async function readModelFolder(folder: string): Promise<LabModel> {
  const files = new Map<ModelFileName, Uint8Array>();
  for (const name of MODEL_FILES) {
    try {
      files.set(name, await readFile(join(folder, name)));
    } catch (cause) {
      throw new LabError('not-found', {
        message: `The model file ${join(folder, name)} cannot be read.`,
        expected: `a folder with ${MODEL_FILES.join(', ')}`,
        fix: 'Name a model folder with --model, or make one with "npm run lab -- sft".',
        cause,
      });
    }
  }
  return loadLabModel(files);
}

/** Writes a model folder; each file appears whole or not at all. */
export async function writeModelFolder(folder: string, model: ModelExport): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tensors = [...model.weights].map(([name, { shape, data }]) =>
    model.dtype === 'f16'
      ? { name, dtype: 'F16' as const, shape, data: floatsToHalves(data) }
      : { name, dtype: 'F32' as const, shape, data },
  );
  // Hugging Face loaders expect this entry.
  const bytes = writeSafetensors(tensors, new Map([['format', 'pt']]));
  await writeJson(join(folder, 'config.json'), toHuggingFaceConfig(model.config));
  await writeJson(join(folder, 'tokenizer.json'), model.tokenizer.toJson());
  await writeJson(join(folder, 'lab.json'), model.lab);
  await writeCard(folder, model.card);
  await writeWhole(join(folder, 'model.safetensors'), bytes);
}

/** Writes the card of a model folder. */
export async function writeCard(folder: string, card: ModelCard): Promise<void> {
  await writeJson(join(folder, 'card.json'), card);
}

/** Writes a file so that a reader never finds half of it. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, contents);
  await rename(`${path}.part`, path);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, `${JSON.stringify(value, null, 1)}\n`);
}
