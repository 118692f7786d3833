/**
 * Imports a model folder that a reader chose or dropped, as a checkpoint of this browser: finds the model among the
 * files, checks that they fit together, and packs them into one payload. Errors are reported before anything is stored.
 */
import { type CheckpointFile, readPayload } from '../checkpoint/checkpoint-file.ts';
import { blobSource } from '../checkpoint/byte-source.ts';
import { type CheckpointInfo, MAX_CHECKPOINT_BYTES } from '../checkpoint/manifest.ts';
import { SHARD_INDEX } from '../checkpoint/shards.ts';
import { LabError } from '../common/errors.ts';
import { GGUF, readGgufModel, readHuggingFaceModel } from '../infer/foreign-model.ts';
import {
  ALL_MODEL_FILES,
  MODEL_FILES,
  type ModelFileName,
  type ModelSource,
  readLabModel,
} from '../infer/lab-model.ts';
import type { ChosenFile } from '../protocol/checkpoints.ts';
import { wholeFiles } from '../runs/models/whole-files.ts';
import { packModel, unpackModel } from '../runs/models/model-checkpoint.ts';

/** The size limit of each file except the weights; a tokenizer with 250,000 tokens is smaller. */
const MAX_TEXT_BYTES = 2 ** 26;

/**
 * Reads the model among some files.
 *
 * @throws {LabError} `not-found` if no folder holds all five files; `bad-file` for one that is too large, or more than
 *   one model; and as `readLabModel`
 */
export async function readChosenModel(
  chosen: readonly ChosenFile[],
): Promise<{ readonly info: CheckpointInfo; readonly payload: Uint8Array<ArrayBuffer> }> {
  const foreign = await foreignModelIn(chosen);
  if (foreign !== undefined) {
    const files = await wholeFiles(foreign);
    return packModel(files, readLabModel(files).card);
  }
  const folder = modelFolderIn(chosen);
  const files = new Map<ModelFileName, Uint8Array>();
  for (const name of ALL_MODEL_FILES) {
    const blob = folder.get(name)?.blob;
    if (blob === undefined) continue; // only of what a model need not have
    const most = name === 'model.safetensors' ? MAX_CHECKPOINT_BYTES - 4 * MAX_TEXT_BYTES : MAX_TEXT_BYTES;
    if (blob.size > most) throw tooLarge(name, most, blob.size);
    files.set(name, new Uint8Array(await blob.arrayBuffer()));
  }
  return packModel(files, readLabModel(files).card);
}

/**
 * Checks that the model in a checkpoint file can answer, as far as that is possible without a backend.
 *
 * @throws {LabError} `bad-file` for a changed payload, `bad-checkpoint` for one without a model; and as `readLabModel`
 */
export async function checkModelFile(file: CheckpointFile): Promise<void> {
  const files = unpackModel(await readPayload(file));
  readLabModel(new Map(Object.entries(files) as [ModelFileName, Uint8Array][]));
}

/**
 * A language model that the lab did not make: a GGUF file, or the first folder with a foreign tokenizer and without the
 * lab's own files.
 */
async function foreignModelIn(chosen: readonly ChosenFile[]): Promise<ModelSource | undefined> {
  const [gguf, more] = chosen.filter(({ path }) => path.toLowerCase().endsWith(GGUF));
  if (gguf !== undefined && more !== undefined) throw severalModels(`${gguf.path} and ${more.path}`);
  if (gguf !== undefined) return readGgufModel(blobSource(gguf.blob), baseOf(gguf.path));
  for (const [place, names] of foldersOf(chosen)) {
    const sources = new Map([...names].map(([name, { blob }]) => [name, blobSource(blob)]));
    const found = await readHuggingFaceModel(sources, baseOf(place.replace(/[/\\]$/u, '')) || 'model');
    if (found !== undefined) return found;
  }
  return undefined;
}

function baseOf(path: string): string {
  return path.split(/[/\\]/u).at(-1) ?? path;
}

/** The files by the folder that they are in, and by name. */
function foldersOf(chosen: readonly ChosenFile[]): ReadonlyMap<string, ReadonlyMap<string, ChosenFile>> {
  const folders = new Map<string, Map<string, ChosenFile>>();
  for (const file of chosen) {
    const [, place = '', name = ''] = /^(.*?)([^/\\]*)$/su.exec(file.path) ?? [];
    const folder = folders.get(place) ?? new Map<string, ChosenFile>();
    folders.set(place, folder.set(name, file));
  }
  return folders;
}

/** The files of the only folder that has all files of a model, by their names. */
function modelFolderIn(chosen: readonly ChosenFile[]): ReadonlyMap<string, ChosenFile> {
  const folders = foldersOf(chosen);
  const whole = [...folders].filter(([, names]) => missingIn(names).length === 0);
  const [first, second] = whole;
  if (first === undefined) throw noModel([...folders.values()]);
  if (second === undefined) return first[1];
  throw severalModels(whole.map(([place]) => place).join(' and '));
}

function severalModels(got: string): LabError {
  return new LabError('bad-file', {
    message: 'These files contain more than one model.',
    expected: 'the files of one model',
    got,
    fix: "Choose one model's folder.",
  });
}

function missingIn(folder: ReadonlyMap<string, ChosenFile>): ModelFileName[] {
  return MODEL_FILES.filter((name) => !folder.has(name));
}

function noModel(folders: readonly ReadonlyMap<string, ChosenFile>[]): LabError {
  const [nearest = new Map<string, ChosenFile>()] = folders.toSorted(
    (a, b) => missingIn(a).length - missingIn(b).length,
  );
  const isSharded = nearest.has(SHARD_INDEX);
  return new LabError('not-found', {
    message: `These files are not a complete model of the lab: ${missingIn(nearest).join(', ')} missing.`,
    expected: `a folder with ${MODEL_FILES.join(', ')}, a Hugging Face folder, or a GGUF file`,
    fix: isSharded
      ? 'Merge the weights, which are split over several files, into one model.safetensors.'
      : 'Choose a folder written by "lab sft", "lab grpo" or "lab distill", or a file written by "lab export".',
  });
}

function tooLarge(name: string, most: number, got: number): LabError {
  return new LabError('bad-file', {
    message: `The model's file ${name} is too large.`,
    expected: `at most ${most.toLocaleString('en')} bytes`,
    got: got.toLocaleString('en'),
  });
}
