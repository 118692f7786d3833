/**
 * Model folders on disk.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { jsonBytes, makeModelFiles, type ModelExport } from '../runs/model-files.ts';
import { type LabModel, loadLabModel, MODEL_FILES, type ModelFileName } from '../infer/lab-model.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { Precision } from '../model/stored-weights.ts';

/**
 * Loads a model folder onto the current backend.
 *
 * @param precision - how matrices are kept; default: as they are stored
 * @throws {LabError} `not-found` if the folder or a file is missing; what {@link loadLabModel} throws
 */
export async function readModelFolder(folder: string, precision?: Precision): Promise<LabModel> {
  return loadLabModel(await readModelFiles(folder), precision);
}

/** The files of a model folder. @throws {LabError} `not-found` if the folder or a file is missing */
export async function readModelFiles(folder: string): Promise<Map<ModelFileName, Uint8Array>> {
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
  return files;
}

/** Writes a model folder; each file appears whole or not at all. */
export async function writeModelFolder(folder: string, model: ModelExport): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(makeModelFiles(model))) await writeWhole(join(folder, name), bytes);
}

/** Writes the card of a model folder. */
export async function writeCard(folder: string, card: ModelCard): Promise<void> {
  await writeWhole(join(folder, 'card.json'), jsonBytes(card));
}

/** Writes a file so that a reader never finds half of it. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, contents);
  await rename(`${path}.part`, path);
}
