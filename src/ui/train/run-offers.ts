/**
 * Single runs that were cut short, as offers to go on with them. A run that is trained somewhere else now is told, not offered.
 */
import type { CheckpointOverview, UnfinishedRun } from '../../protocol/checkpoints.ts';
import { formatCount, formatTime } from '../parts/format.ts';
import { isSingleRun } from '../parts/run-kinds.ts';
import type { RunSource } from './training-controller.ts';

/** What can be done about an unfinished run. */
export interface RunOffer {
  readonly run: UnfinishedRun;
  readonly heading: string;
  readonly text: string;
  /** `go-on` from its last checkpoint, `start-again` from its settings, `wait` where another tab is at it. */
  readonly way: 'go-on' | 'start-again' | 'wait';
}

/**
 * The offers to make.
 *
 * @param settled - ids of runs that need no offer: the one that this page is showing, and those it has seen end. What is
 *   known of the store may be older than their end, and an offer that comes and goes moves the button under the pointer.
 */
export function offersOf({ runs }: CheckpointOverview, settled: ReadonlySet<string>): RunOffer[] {
  return runs.filter(({ id, kind }) => isSingleRun(kind) && !settled.has(id)).map(offerOf);
}

/** Where a run that came to nothing begins again. */
export function sourceOf({ id: runId, kind, configJson }: UnfinishedRun): RunSource {
  const config = JSON.parse(configJson) as Record<string, unknown>;
  if (kind !== 'distill') return { kind: 'experiment', experiment: config, runId };
  const { experiment, teacherUrl } = config;
  return { kind: 'student', experiment, teacherUrl: String(teacherUrl), runId };
}

function offerOf(run: UnfinishedRun): RunOffer {
  const { name, startedAt, totalSteps, state, lastCheckpoint } = run;
  const began = `${name}, begun ${formatTime(startedAt)}.`;
  if (state === 'alive') {
    return {
      run,
      way: 'wait',
      heading: 'A run is under way in another tab',
      text: `${began} It can be steered there.`,
    };
  }
  const doubt = state === 'unknown' ? ' This browser cannot tell whether another tab is still at it.' : '';
  if (lastCheckpoint === null) {
    const text = `${began} It can begin again with the same settings.${doubt}`;
    return { run, way: 'start-again', heading: 'A run stopped before its first checkpoint', text };
  }
  const at = `step ${formatCount(lastCheckpoint.step)} of ${formatCount(totalSteps)}`;
  const text = `${began} It goes on exactly as if it had never stopped.${doubt}`;
  return { run, way: 'go-on', heading: `A run stopped at ${at}`, text };
}
