/**
 * What the lesson is made of, fetched when it is first looked at: two recorded runs and the results of the experiments
 * that say how far a single run can be trusted.
 */
import { LabError } from '../../../common/errors.ts';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { bundledRecording } from '../../parts/bundled-recording.ts';
import { MAX_RECORDING_BYTES, parseRecording, type Recording } from '../../../protocol/recording.ts';
import { results } from '../parts/results.ts';

export interface CollapseMaterial {
  /** Reward only: the run that collapses. */
  readonly recording: Recording;
  /** The same with the expert loss beside the reward. */
  readonly balanced: Recording;
  readonly e1: ExperimentResults;
  readonly e3: ExperimentResults;
  /** Whether the recording is the reader's own; the bundled ones are then not compared with it. */
  readonly isOwn: boolean;
}

/** The arm of E3 with the settings of the recorded run, at five seeds. */
export const RECORDED_ARM = 'Clip-higher, two inner updates (head-heavy, plausible)';

/** Everything, or the first thing that is missing. @throws {LabError} `not-found`, `bad-file`, `bad-config` */
export async function loadMaterial(): Promise<CollapseMaterial> {
  const [recording, balanced, e1, e3] = await Promise.all([
    bundledRecording('grpo'),
    bundledRecording('mbo'),
    results(import('../../../../docs/results/E1.json?extract')),
    // With its curves, which are drawn faintly behind the recorded one.
    results(import('../../../../docs/results/E3.json')),
  ]);
  return { recording, balanced, e1, e3, isOwn: false };
}

/** A recording of the reader's own. @throws {LabError} `bad-file`, `bad-config` */
export async function ownRecording(file: File): Promise<Recording> {
  if (file.size > MAX_RECORDING_BYTES) {
    throw new LabError('bad-file', {
      message: `${file.name} is too large for a recorded run.`,
      expected: `at most ${MAX_RECORDING_BYTES} bytes`,
      got: String(file.size),
    });
  }
  return parseRecording(file.name, await file.text());
}
