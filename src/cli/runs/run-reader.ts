/**
 * Runs on disk, found by their checkpoints or, where the page has exported them, by their records.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors } from '../../checkpoint/safetensors.ts';
import { LabError, messageOf } from '../../common/errors.ts';
import type { RunSummary } from '../../protocol/tracked-run.ts';
import { runMetadata } from '../../runs/run-file.ts';
import { withTimes } from '../../runs/active-time.ts';
import { ALL_RECORD_FILES, type RecordRun, readRecordFiles } from '../../runs/run-record.ts';
import { summariseRun } from '../../runs/run-summary.ts';
import type { ComparedRun } from '../../studies/run-comparison.ts';
import { readIfThere, readRecordIfWhole, readRecordTexts } from './read-files.ts';
import { BEST_FILE } from './run-watcher.ts';
import { systemError } from '../system-errors.ts';

const CHECKPOINT = 'checkpoint.safetensors';
const RECORD_FILE = 'run.json';

/** The files of a run folder. */
export const RUN_FILES = [
  'checkpoint.safetensors',
  ...ALL_RECORD_FILES,
  'experiment.json', // of earlier versions
  'log.jsonl',
  'steps.jsonl',
  'curve.jsonl',
  'record.jsonl',
  BEST_FILE,
  'best',
  'model',
];

/** The depth of nested folders that are searched. */
const MAX_DEPTH = 4;

/** A folder with a checkpoint or a record: its run, or why that cannot be read. */
export interface FoundRun {
  readonly path: string;
  readonly run?: ComparedRun;
  readonly problem?: string;
  /** Whether the run has produced a model. */
  readonly hasModel: boolean;
  /** Whether there is a record alone, as the page exports it, of a run that was made elsewhere. */
  readonly isRecord: boolean;
}

/**
 * The run in a folder.
 *
 * @throws {LabError} `not-found` if it has no checkpoint; what reading one throws
 */
export async function readRun(path: string): Promise<ComparedRun> {
  const file = join(path, CHECKPOINT);
  const bytes = await readIfThere(file);
  if (bytes !== undefined) {
    const run = summariseRun(file, runMetadata(readSafetensors(bytes, file).metadata));
    const record = await readRecordIfWhole(path);
    return { path, ...run, ...(record && notedIn(record, run)) };
  }
  const record = await readRecord(path);
  if (record !== undefined) return { path, ...record.run };
  throw new LabError('not-found', {
    message: `There is no run in ${path}.`,
    expected: `a folder with ${CHECKPOINT}, as "lab sft", "grpo" and "distill" write it, or with ${RECORD_FILE}, as the page exports it`,
    fix: '"npm run lab -- runs" lists those that are there.',
  });
}

/**
 * What the record of a run says that its checkpoint does not: how it has ended, its best checkpoint, and the times of
 * its curve, because a checkpoint must not depend on the clock.
 */
function notedIn(
  { run: { state, watch, best, updatedAt, curve: recorded } }: RecordRun,
  { curve }: RunSummary,
): Pick<ComparedRun, 'state' | 'watch' | 'best' | 'curve' | 'updatedAt'> {
  const times = recorded.flatMap(({ step, activeMs }) => (activeMs === undefined ? [] : [[step, activeMs] as const]));
  return { state, watch, best, updatedAt, curve: withTimes(curve, new Map(times)) };
}

/** The record of a run without its checkpoint, as the page exports it; undefined if there is none. */
async function readRecord(path: string): Promise<RecordRun | undefined> {
  const files = await readRecordTexts(path);
  return files[RECORD_FILE] === undefined ? undefined : readRecordFiles(path, files);
}

/** All runs in a folder and its subfolders, by path; an unreadable run is listed with its problem. */
export async function findRuns(root: string, depth = 0): Promise<FoundRun[]> {
  let entries;
  try {
    entries = await readdir(root, { withFileTypes: true });
  } catch (error) {
    if (depth > 0) return [];
    throw systemError(error, `list ${root}`);
  }
  if (entries.some((entry) => entry.isFile() && [CHECKPOINT, RECORD_FILE].includes(entry.name))) {
    const hasModel = entries.some((entry) => entry.isDirectory() && entry.name === 'model');
    const isRecord = !entries.some(({ name }) => name === CHECKPOINT);
    try {
      return [{ path: root, hasModel, isRecord, run: await readRun(root) }];
    } catch (error) {
      return [{ path: root, hasModel, isRecord, problem: messageOf(error) }];
    }
  }
  if (depth >= MAX_DEPTH) return [];
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found: FoundRun[] = [];
  for (const name of folders.toSorted()) found.push(...(await findRuns(join(root, name), depth + 1)));
  return found;
}
