/** Files of run folders that may be missing, and measurements that are made once and stored as such. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { ALL_RECORD_FILES, type RecordFiles, type RecordRun, readRecordFiles } from '../../runs/run-record.ts';
import { writeWhole } from '../outputs.ts';
import { isErrno, systemError } from '../system-errors.ts';

/**
 * A measurement made once and stored as `<name>.json`.
 *
 * @param measure - called if it is not stored yet
 */
export async function measuredOnce<T>(
  folder: string,
  name: string,
  schema: v.GenericSchema<unknown, T>,
  measure: () => Promise<T>,
): Promise<T> {
  const path = join(folder, `${name}.json`);
  const kept = await readJson(path, schema);
  if (kept !== undefined) return kept;
  const measured = await measure();
  await writeWhole(path, `${JSON.stringify(measured)}\n`);
  return measured;
}

/** A file of JSON; undefined if there is none. @throws {LabError} `bad-config` naming the file */
export async function readJson<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  let data: unknown = null;
  try {
    data = JSON.parse(text) as unknown;
  } catch {
    // The schema reports what was expected.
  }
  return parseConfig(path, schema, data);
}

/** The texts of the record of a run that are in a folder; none of them where it has no record. */
export async function readRecordTexts(folder: string): Promise<RecordFiles> {
  const files: RecordFiles = {};
  for (const name of ALL_RECORD_FILES) {
    const text = await readTextIfThere(join(folder, name));
    if (text !== undefined) files[name] = text;
  }
  return files;
}

/** The record of a run that is in a folder; undefined if there is none, or it is damaged and is to be written anew. */
export async function readRecordIfWhole(folder: string): Promise<RecordRun | undefined> {
  const files = await readRecordTexts(folder);
  try {
    return readRecordFiles(folder, files);
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

/** A file of text; undefined if there is none. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const bytes = await readIfThere(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** A file; undefined if there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw systemError(error, `read ${path}`);
  }
}
