/**
 * Models on disk: as folders, and in the checkpoint files of the page.
 */
import { openAsBlob } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EXTENSION, readCheckpointFile, readPayload } from '../checkpoint/checkpoint-file.ts';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { jsonBytes, makeFolderFiles, type ModelExport } from '../runs/model-files.ts';
import {
  type LabFile,
  LabFileSchema,
  type LabModel,
  loadLabModel,
  MODEL_FILES,
  type ModelFileName,
} from '../infer/lab-model.ts';
import { type ModelCard, ModelCardSchema } from '../infer/model-card.ts';
import type { Precision } from '../model/stored-weights.ts';
import { modelInCheckpoint } from '../sessions/model-in-checkpoint.ts';
import { writeTogether, writeWhole } from './outputs.ts';
import { isErrno, systemError } from './system-errors.ts';

/**
 * Loads a model onto the current backend.
 *
 * @param path - of a model folder, or of a checkpoint that the page has exported
 * @param precision - how matrices are kept; default: as they are stored
 * @throws {LabError} what {@link readModelFiles} and {@link loadLabModel} throw
 */
export async function readModelFolder(path: string, precision?: Precision): Promise<LabModel> {
  return loadLabModel(await readModelFiles(path), precision);
}

/**
 * The files of a model.
 *
 * @param path - as of {@link readModelFolder}
 * @throws {LabError} `not-found` if there is nothing, or a file of the folder is missing; `bad-file` for another kind of
 *   file; `bad-checkpoint` for a checkpoint without a model
 */
export async function readModelFiles(path: string): Promise<Map<ModelFileName, Uint8Array>> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw systemError(error, `read the model ${path}`);
  });
  if (stats === undefined) {
    throw new LabError('not-found', {
      message: `The model file ${join(path, MODEL_FILES[0])} cannot be read: there is no ${path}.`,
      expected: EXPECTED,
      fix: FIX,
    });
  }
  return stats.isDirectory() ? readFolder(path) : readCheckpoint(path);
}

const EXPECTED = `a folder with ${MODEL_FILES.join(', ')}, or a file *${EXTENSION} of the page`;
const FIX = 'Name a model, or make one with "npm run lab -- sft".';

async function readFolder(folder: string): Promise<Map<ModelFileName, Uint8Array>> {
  const files = new Map<ModelFileName, Uint8Array>();
  for (const name of MODEL_FILES) {
    try {
      files.set(name, await readFile(join(folder, name)));
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT') && !isErrno(cause, 'EISDIR')) throw systemError(cause);
      const inside = join(folder, 'model');
      const isRun = await stat(join(inside, MODEL_FILES[0])).then(
        () => true,
        () => false,
      );
      throw new LabError('not-found', {
        message: `The model file ${join(folder, name)} cannot be read.`,
        expected: EXPECTED,
        fix: isRun ? `This is the folder of a run: its model is ${inside}.` : FIX,
        cause,
      });
    }
  }
  return files;
}

async function readCheckpoint(path: string): Promise<Map<ModelFileName, Uint8Array>> {
  if (!path.toLowerCase().endsWith(EXTENSION)) {
    throw new LabError('bad-file', { message: `The model ${path} is a file.`, expected: EXPECTED, fix: FIX });
  }
  const file = await readCheckpointFile(await openAsBlob(path));
  const files = await modelInCheckpoint(file.manifest, await readPayload(file));
  return new Map(Object.entries(files) as [ModelFileName, Uint8Array][]);
}

/**
 * What a model says of itself, without loading it.
 *
 * @throws {LabError} `bad-config` naming the file
 */
export function describeModel(files: ReadonlyMap<ModelFileName, Uint8Array>): { card: ModelCard; lab: LabFile } {
  const read = (name: ModelFileName): unknown => {
    try {
      return JSON.parse(new TextDecoder().decode(files.get(name))) as unknown;
    } catch (cause) {
      throw new LabError('bad-config', { message: `${name} of the model is not JSON.`, cause });
    }
  };
  return {
    card: parseConfig('card.json', ModelCardSchema, read('card.json')),
    lab: parseConfig('lab.json', LabFileSchema, read('lab.json')),
  };
}

/** Writes a model folder; none of its files appears before all are written. */
export async function writeModelFolder(folder: string, model: ModelExport): Promise<void> {
  await writeTogether(folder, makeFolderFiles(model));
}

/**
 * Writes the card of a model.
 *
 * @throws {LabError} `bad-config` for a model that is no folder
 */
export async function writeCard(folder: string, card: ModelCard): Promise<void> {
  if (folder.toLowerCase().endsWith(EXTENSION)) {
    throw new LabError('bad-config', {
      message: `The card in ${folder} cannot be changed.`,
      fix: `Make a folder of it first: "npm run lab -- export --model ${folder} --out FOLDER".`,
    });
  }
  await writeWhole(join(folder, 'card.json'), jsonBytes(card));
}
