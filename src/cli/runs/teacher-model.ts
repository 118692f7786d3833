/**
 * Teachers on disk, and their completions, which are stored because they take minutes and are the same for every
 * student.
 */
import * as v from 'valibot';
import type { CompletionIds, Teacher } from '../../runs/distill-task.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import { loadLabModel, type ModelFileName } from '../../infer/lab-model.ts';
import { readWeights } from '../../model/weights.ts';
import { measuredOnce } from './read-files.ts';
import { readModelFiles } from '../model-folder.ts';

const CompletionIdsSchema = v.array(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))));

/** A teacher on the current backend. @throws {LabError} what `readModelFiles` throws */
export async function readTeacher(folder: string): Promise<Teacher> {
  return loadTeacher(await readModelFiles(folder));
}

/** The same from its files. @throws {LabError} what `loadLabModel` throws */
export async function loadTeacher(files: ReadonlyMap<ModelFileName, Uint8Array>): Promise<Teacher> {
  const model = await loadLabModel(files, 'f32');
  return { model, hash: hashWeights(await readWeights(model.transformer.weights)) };
}

/** Stores completions in a folder, each under its name. */
export function keepIn(folder: string): (name: string, make: () => Promise<CompletionIds>) => Promise<CompletionIds> {
  return (name, make) =>
    measuredOnce(folder, name, CompletionIdsSchema, async () => (await make()).map((ids) => [...ids]));
}
