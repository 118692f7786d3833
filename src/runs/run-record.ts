/**
 * The record of a run as files: `run.json`, `config.json`, `metrics.jsonl` and, where the run has completed something,
 * `completions.jsonl`, in a folder of the command line or in a zip archive of the page.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import {
  type RunCompletions,
  RunCompletionsSchema,
  RunPointSchema,
  type TrackedRun,
  TrackedRunSchema,
} from '../protocol/tracked-run.ts';

/** The names of the files, in the order in which they are written: a folder with `run.json` has the others. */
export const RECORD_FILES = ['config.json', 'metrics.jsonl', 'run.json'] as const;
/** Runs without completions, and those of earlier versions, lack it. */
export const COMPLETIONS_FILE = 'completions.jsonl';
export const ALL_RECORD_FILES = [COMPLETIONS_FILE, ...RECORD_FILES] as const;
/** The contents of files by name. */
export type RecordFiles = Partial<Record<(typeof ALL_RECORD_FILES)[number], string>>;

/** A run with what it has completed. */
export interface RecordRun {
  readonly run: TrackedRun;
  readonly completions: readonly RunCompletions[];
}

/** The contents of the files. */
export function recordFiles({
  run: { experiment, curve, ...run },
  completions,
}: RecordRun): Record<(typeof RECORD_FILES)[number], string> & RecordFiles {
  return {
    ...(completions.length === 0 ? {} : { [COMPLETIONS_FILE]: jsonLines(completions) }),
    'config.json': `${JSON.stringify(experiment, null, 1)}\n`,
    'metrics.jsonl': jsonLines(curve),
    'run.json': `${JSON.stringify(run, null, 1)}\n`,
  };
}

/**
 * The run of such files.
 *
 * @param place - the folder, for errors
 * @throws {LabError} `not-found` if a file is missing, `bad-config` naming the file and the field
 */
export function readRecordFiles(place: string, files: RecordFiles): RecordRun {
  const missing = RECORD_FILES.find((name) => files[name] === undefined);
  if (missing !== undefined) {
    throw new LabError('not-found', {
      message: `The run in ${place} has no ${missing}.`,
      expected: RECORD_FILES.join(', '),
      fix: 'Export the run again, or copy its whole folder.',
    });
  }
  const run = parseJson(`${place}/run.json`, files['run.json']);
  const experiment = parseJson(`${place}/config.json`, files['config.json']);
  const curve = parseLines(`${place}/metrics.jsonl`, RunPointSchema, files['metrics.jsonl']);
  const whole = typeof run === 'object' && run !== null ? { ...run, experiment, curve } : run;
  return {
    run: parseConfig(`${place}/run.json`, TrackedRunSchema, whole),
    completions: parseLines(`${place}/${COMPLETIONS_FILE}`, RunCompletionsSchema, files[COMPLETIONS_FILE]),
  };
}

function jsonLines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

function parseLines<T>(place: string, schema: v.GenericSchema<unknown, T>, text = ''): T[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) =>
    parseConfig(`${place}, line ${i + 1}`, schema, parseJson(`${place}, line ${i + 1}`, line)),
  );
}

function parseJson(place: string, text = ''): unknown {
  return parseConfig(place, v.pipe(v.string(), v.parseJson()), text);
}
