/**
 * Whether a branch is the recorded run again, so that the recorded curve may stand behind its own: the same start and
 * data, and the same settings but for those that only say how long a run is and how often and widely it is measured.
 */
import * as v from 'valibot';
import { type GrpoExperiment, GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import type { Recording } from '../../protocol/recording.ts';
import { canonicalJson } from '../../relevance/rules/instruction.ts';

/** @param start - the hashes of the weights and the data that the branch began with */
export function isRecordedRun(
  experiment: unknown,
  start: { readonly startHash: string; readonly worldHash: string },
  recording: Recording,
): boolean {
  const [own, recorded] = [experiment, recording.experiment].map((each) => v.safeParse(GrpoExperimentSchema, each));
  if (own?.success !== true || recorded?.success !== true) return false;
  const isSameStart = start.startHash === recording.model.hash && start.worldHash === recording.dataHash;
  return isSameStart && learningOf(own.output) === learningOf(recorded.output);
}

/** The settings that decide what is learned, in one order. */
function learningOf({
  name: _n,
  devPairs: _d,
  probePrompts: _p,
  probeSamples: _s,
  watchDivergence: _w,
  grpo,
  ...rest
}: GrpoExperiment): string {
  // prettier-ignore
  const { steps: _l, evaluateEvery: _e, checkpointEvery: _c, keepEvery: _k, keepGroups: _g, probeExpertEvery: _x, ...learning } = grpo; // prettier-ignore
  return canonicalJson({ rest, learning });
}
