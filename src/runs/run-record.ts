/**
 * The record of a run as files: `run.json`, `config.json` and `metrics.jsonl`, in a folder of the command line or in a
 * zip archive of the page.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { RunPointSchema, type TrackedRun, TrackedRunSchema } from '../protocol/tracked-run.ts';

/** The names of the files, in the order in which they are written: a folder with `run.json` has the others. */
export const RECORD_FILES = ['config.json', 'metrics.jsonl', 'run.json'] as const;
export type RecordFile = (typeof RECORD_FILES)[number];

/** The contents of the files. */
export function recordFiles({ experiment, curve, ...run }: TrackedRun): Record<RecordFile, string> {
  return {
    'config.json': `${JSON.stringify(experiment, null, 1)}\n`,
    'metrics.jsonl': curve.map((point) => `${JSON.stringify(point)}\n`).join(''),
    'run.json': `${JSON.stringify(run, null, 1)}\n`,
  };
}

/**
 * The run of such files.
 *
 * @param place - the folder, for errors
 * @throws {LabError} `not-found` if a file is missing, `bad-config` naming the file and the field
 */
export function readRecordFiles(place: string, files: Partial<Record<RecordFile, string>>): TrackedRun {
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
  const lines = (files['metrics.jsonl'] ?? '').split('\n').filter((line) => line.trim() !== '');
  const curve = lines.map((line, i) => {
    const file = `${place}/metrics.jsonl, line ${i + 1}`;
    return parseConfig(file, RunPointSchema, parseJson(file, line));
  });
  const whole = typeof run === 'object' && run !== null ? { ...run, experiment, curve } : run;
  return parseConfig(`${place}/run.json`, TrackedRunSchema, whole);
}

function parseJson(place: string, text = ''): unknown {
  return parseConfig(place, v.pipe(v.string(), v.parseJson()), text);
}
