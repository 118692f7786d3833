/** Where an unfinished run without a checkpoint starts again, for all views that offer it. */
import { LabError } from '../../../common/errors.ts';
import type { UnfinishedRun } from '../../../protocol/checkpoints.ts';
import type { RunSource } from './training-controller.ts';

/** @throws {LabError} `bad-config` if the record does not say where its start or its teacher is */
export function sourceOf({ id: runId, kind, configJson, name }: UnfinishedRun): RunSource {
  const config = JSON.parse(configJson) as Record<string, unknown>;
  const urlIn = (key: 'startUrl' | 'teacherUrl'): string => {
    const url = config[key];
    if (typeof url === 'string') return url;
    throw new LabError('bad-config', {
      message: `The record of the run "${name}" does not say where its ${key === 'startUrl' ? 'start' : 'teacher'} is.`,
      expected: `an address as its ${key}`,
      got: typeof url,
      fix: 'Begin it again with its model.',
    });
  };
  const { experiment } = config;
  if (kind === 'distill') return { kind: 'student', experiment, teacherUrl: urlIn('teacherUrl'), runId };
  const isContinuation = typeof experiment === 'object' || 'startUrl' in config || 'start' in config;
  if (isContinuation) return { kind: 'continuation', experiment, startUrl: urlIn('startUrl'), runId };
  return { kind: 'experiment', experiment: config, runId };
}
