/**
 * A live branch as a recording: the figure of the live view draws it, and it is the same file as `lab grpo --record`
 * writes, which the lesson plays on any machine.
 */
import * as v from 'valibot';
import type { GrpoEventOf } from '../../protocol/grpo.ts';
import {
  type RecordedFrame,
  type Recording,
  RECORDING_FORMAT,
  type RecordingHeader,
  writeRecording,
} from '../../protocol/recording.ts';
import type { BranchState } from './collapse-state.ts';

/** What is read of a branch's settings, which the worker has checked. */
const SeededSchema = v.object({ grpo: v.object({ seed: v.number() }) });
const SCHEMA_VERSION = 1;

type Prepared = GrpoEventOf<'prepared'>;

/**
 * A branch so far, to be drawn; undefined where not all that it was measured at is known, as of a branch that was begun
 * by an earlier version.
 */
export function liveRecording(branch: BranchState, prepared: Prepared): Recording | undefined {
  const header = headerOf(branch, prepared, 'this machine', '');
  const frames = framesOf(branch);
  if (header === undefined || frames === undefined) return undefined;
  return { format: RECORDING_FORMAT, schemaVersion: SCHEMA_VERSION, ...header, frames, groups: [] };
}

/**
 * The file of a branch so far; undefined as above.
 *
 * @param device - where it is computed, in words
 * @param date - of today, as in 2026-11-30
 */
export function branchRecording(
  branch: BranchState,
  prepared: Prepared,
  device: string,
  date: string,
): string | undefined {
  const header = headerOf(branch, prepared, device, date);
  const frames = framesOf(branch);
  if (header === undefined || frames === undefined) return undefined;
  return writeRecording(
    header,
    frames,
    branch.samples.map(({ step, groups }) => ({ step, groups: [...groups] })),
  );
}

function headerOf(
  { name, experiment }: BranchState,
  { pairs, startHash, modelName, parameters, worldHash, labelNames, rules }: Prepared,
  device: string,
  date: string,
): RecordingHeader | undefined {
  const seeded = v.safeParse(SeededSchema, experiment);
  if (pairs.length === 0 || !seeded.success) return undefined;
  const { seed } = seeded.output.grpo;
  const model = { name: modelName, hash: startHash, parameters };
  const commit = 'of the page';
  return { name, experiment, seed, model, dataHash: worldHash, device, commit, date, labelNames, rules, pairs };
}

/** Undefined without measurements, or where the answers to one are not known. */
function framesOf({ points, answers, history }: BranchState): RecordedFrame[] | undefined {
  const frames = points.flatMap(({ step, measures, collapse }): RecordedFrame[] => {
    const kept = answers.find((each) => each.step === step);
    if (kept === undefined) return [];
    const at = history.findLast((each) => each.step <= step) ?? history[0];
    return [{ step, coefficient: at?.balance.coefficient ?? null, measures, collapse, answers: kept.answers }];
  });
  return frames.length === 0 || frames.length < points.length ? undefined : frames;
}
