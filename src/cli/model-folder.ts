/**
 * Models on disk: folders, and the page's checkpoint files.
 */
import { openAsBlob } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ByteSource, blobSource } from '../checkpoint/byte-source.ts';
import { EXTENSION, readCheckpointFile, readPayload } from '../checkpoint/checkpoint-file.ts';
import { joinShards, readShardIndex, SHARD_INDEX } from '../checkpoint/shards.ts';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { jsonBytes, makeModelFiles, type ModelExport, toFolderFiles } from '../runs/models/model-files.ts';
import {
  type LabFile,
  LabFileSchema,
  type LabModel,
  loadLabModel,
  ALL_MODEL_FILES,
  MODEL_FILES,
  type ModelFileName,
  type ModelSource,
  readModelJson,
} from '../infer/lab-model.ts';
import { GGUF, readGgufModel, readHuggingFaceModel } from '../infer/foreign-model.ts';
import { type ModelCard, ModelCardSchema } from '../infer/model-card.ts';
import type { Precision } from '../model/stored-weights.ts';
import { modelInCheckpoint } from '../sessions/model-in-checkpoint.ts';
import { VECTORS_FILE } from '../vectors/static-vectors.ts';
import { writeTogether, writeWhole } from './outputs.ts';
import { isErrno, systemError } from './system-errors.ts';

/**
 * Loads a model onto the current backend.
 *
 * @param path - of a model folder, or of a checkpoint that the page has exported
 * @param precision - the format of matrices in memory; default: as stored
 * @throws {LabError} what {@link readModelFiles} and {@link loadLabModel} throw
 */
export async function readModelFolder(path: string, precision?: Precision): Promise<LabModel> {
  return loadLabModel(await readModelFiles(path), precision);
}

/**
 * The files of a model.
 *
 * @param path - as in {@link readModelFolder}
 * @throws {LabError} `not-found` if there is nothing, or a file of the folder is missing; `bad-file` for another kind
 *   of file; `bad-checkpoint` for a checkpoint without a model; what {@link joinShards} throws
 */
export async function readModelFiles(path: string): Promise<ModelSource> {
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
  if (!stats.isDirectory()) {
    const isGguf = path.toLowerCase().endsWith(GGUF);
    return isGguf ? readGgufModel(blobSource(await openAsBlob(path)), basename(path)) : readCheckpoint(path);
  }
  return (await readForeignFolder(path)) ?? readFolder(path);
}

/** The folder of a language model from Hugging Face; undefined for any other. */
async function readForeignFolder(folder: string): Promise<ModelSource | undefined> {
  const files = new Map<string, ByteSource>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isDirectory() || !/\.(json|jinja|safetensors)$/u.test(name)) continue;
    files.set(name, blobSource(await openAsBlob(join(folder, name))));
  }
  return readHuggingFaceModel(files, basename(folder));
}

const EXPECTED = `a folder with ${MODEL_FILES.join(', ')}, a Hugging Face folder, a *${GGUF} file, or a file *${EXTENSION} of the page`;
const FIX = 'Name a model, or make one with "npm run lab -- sft".';

/** Joins weights that are split over several files, as transformers writes large models. */
async function readFolder(folder: string): Promise<Map<ModelFileName, Uint8Array>> {
  const files = new Map<ModelFileName, Uint8Array>();
  for (const name of ALL_MODEL_FILES) {
    try {
      files.set(name, await readFile(join(folder, name)));
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT') && !isErrno(cause, 'EISDIR')) throw systemError(cause);
      if (name === VECTORS_FILE) continue;
      const shards = name === 'model.safetensors' ? await readShards(folder) : undefined;
      if (shards === undefined) throw await missingFile(folder, name, cause);
      files.set(name, shards);
    }
  }
  return files;
}

async function missingFile(folder: string, name: ModelFileName, cause: unknown): Promise<LabError> {
  const inside = join(folder, 'model');
  const isRun = await stat(join(inside, MODEL_FILES[0])).then(
    () => true,
    () => false,
  );
  const isOfOthers = (await readdir(folder)).includes('config.json');
  return new LabError('not-found', {
    message: `The model file ${join(folder, name)} cannot be read.`,
    expected: EXPECTED,
    fix: isRun
      ? `This is the folder of a run; its model is ${inside}.`
      : ((isOfOthers ? FIXES[name] : undefined) ?? FIX),
    cause,
  });
}

const OWN_FILES =
  "lab.json and card.json are the lab's own: copy them from the folder that this model was trained from.";

/** Fixes for files that folders of other programs lack. */
const FIXES: Partial<Record<ModelFileName, string>> = {
  'lab.json': OWN_FILES,
  'card.json': OWN_FILES,
  'model.safetensors':
    'Save the weights as safetensors: save_pretrained of transformers does, .bin and .pt files are not read.',
};

/** The joined weights of a folder that has them in several files; undefined if it has no index of such files. */
async function readShards(folder: string): Promise<Uint8Array | undefined> {
  const indexBytes = await readFile(join(folder, SHARD_INDEX)).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw systemError(error);
  });
  if (indexBytes === undefined) return undefined;
  const index = readShardIndex(indexBytes);
  const shards = new Map<string, Uint8Array>();
  for (const name of new Set(index.values())) {
    try {
      shards.set(name, await readFile(join(folder, name)));
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT')) throw systemError(cause);
      throw new LabError('not-found', {
        message: `The model file ${join(folder, name)} is missing.`,
        expected: `every file that ${SHARD_INDEX} names`,
        fix: 'Copy all files of the model.',
        cause,
      });
    }
  }
  return joinShards(index, shards);
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
 * A model's card and lab file, without loading the model.
 *
 * @throws {LabError} `bad-config` naming the file
 */
export function describeModel(files: ReadonlyMap<ModelFileName, Uint8Array>): { card: ModelCard; lab: LabFile } {
  return {
    card: parseConfig('card.json', ModelCardSchema, readModelJson(files, 'card.json')),
    lab: parseConfig('lab.json', LabFileSchema, readModelJson(files, 'lab.json')),
  };
}

/** Writes a model folder; no file appears before all are written. */
export async function writeModelFolder(folder: string, model: ModelExport): Promise<void> {
  const files = new Map(Object.entries(makeModelFiles(model)) as [ModelFileName, Uint8Array][]);
  await writeTogether(folder, toFolderFiles(files));
}

/**
 * Writes the card of a model.
 *
 * @throws {LabError} `bad-config` for a model that is not a folder
 */
export async function writeCard(folder: string, card: ModelCard): Promise<void> {
  if (folder.toLowerCase().endsWith(EXTENSION)) {
    throw new LabError('bad-config', {
      message: `The card in ${folder} cannot be changed.`,
      fix: `Convert it to a folder first: "npm run lab -- export --model ${folder} --out FOLDER".`,
    });
  }
  await writeWhole(join(folder, 'card.json'), jsonBytes(card));
}
