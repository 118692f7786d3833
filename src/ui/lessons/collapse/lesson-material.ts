/**
 * What the lesson is made of, fetched when it is first looked at: two recorded runs and the results of the experiments that
 * say how far a single run can be trusted.
 */
import * as v from 'valibot';
import { LabError } from '../../../common/errors.ts';
import { type ExperimentResults, ExperimentResultsSchema } from '../../../protocol/experiment-results.ts';
import { bundledRecording } from '../../parts/bundled-recording.ts';
import { MAX_RECORDING_BYTES, parseRecording, type Recording } from '../../../protocol/recording.ts';

export interface LessonMaterial {
  /** Reward only: the run that collapses. */
  readonly recording: Recording;
  /** The same with the expert loss beside the reward. */
  readonly balanced: Recording;
  readonly e1: ExperimentResults;
  readonly e3: ExperimentResults;
}

/** The arm of E3 with the settings of the recorded run, at five seeds. */
export const RECORDED_ARM = 'Clip-higher, two inner updates (head-heavy, plausible)';

/** Everything, or the first thing that is missing. @throws {LabError} `not-found`, `bad-file`, `bad-config` */
export async function loadMaterial(): Promise<LessonMaterial> {
  const [recording, balanced, e1, e3] = await Promise.all([
    bundledRecording('grpo'),
    bundledRecording('mbo'),
    import('../../../../docs/results/E1.json'),
    import('../../../../docs/results/E3.json'),
  ]);
  const results = (file: { readonly default: unknown }): ExperimentResults => {
    return v.parse(ExperimentResultsSchema, file.default);
  };
  return { recording, balanced, e1: results(e1), e3: results(e3) };
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
