/**
 * A live branch as a recording, the same file as `lab grpo --record` writes: the lesson plays it, on any machine.
 */
import * as v from 'valibot';
import type { GrpoEventOf } from '../../protocol/grpo.ts';
import { type RecordedFrame, writeRecording } from '../../protocol/recording.ts';
import type { BranchState } from './collapse-state.ts';

/** What is read of a branch's settings, which the worker has checked. */
const SeededSchema = v.object({ grpo: v.object({ seed: v.number() }) });

/**
 * The file of a branch so far; undefined where not all that it was measured at is known, as of a branch that was begun
 * by an earlier version.
 *
 * @param device - where it is computed, in words
 * @param date - of today, as in 2026-11-30
 */
export function branchRecording(
  branch: BranchState,
  prepared: GrpoEventOf<'prepared'>,
  device: string,
  date: string,
): string | undefined {
  const { name, experiment, points, answers, samples, history } = branch;
  const { pairs, startHash, modelName, parameters, worldHash, labelNames, rules } = prepared;
  const frames = points.flatMap(({ step, measures, collapse }): RecordedFrame[] => {
    const kept = answers.find((each) => each.step === step);
    if (kept === undefined) return [];
    const at = history.findLast((each) => each.step <= step) ?? history[0];
    return [{ step, coefficient: at?.balance.coefficient ?? null, measures, collapse, answers: kept.answers }];
  });
  const seeded = v.safeParse(SeededSchema, experiment);
  if (pairs.length === 0 || frames.length === 0 || frames.length < points.length || !seeded.success) return undefined;
  const { seed } = seeded.output.grpo;
  const model = { name: modelName, hash: startHash, parameters };
  return writeRecording(
    {
      name,
      experiment,
      seed,
      model,
      dataHash: worldHash,
      device,
      commit: 'of the page',
      date,
      labelNames,
      rules,
      pairs,
    },
    frames,
    samples.map(({ step, groups }) => ({ step, groups: [...groups] })),
  );
}
