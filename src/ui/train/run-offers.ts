/**
 * Offers to continue single runs that were cut short. A run in another tab is shown without an offer.
 */
import type { CheckpointOverview, UnfinishedRun } from '../../protocol/checkpoints.ts';
import { formatCount, formatTime } from '../parts/format.ts';
import { isSingleRun } from '../parts/sessions/run-kinds.ts';

/** How to proceed with an unfinished run. */
export interface RunOffer {
  readonly run: UnfinishedRun;
  readonly heading: string;
  readonly text: string;
  /** `go-on` from its last checkpoint, `start-again` from its settings, `wait` while another tab runs it. */
  readonly way: 'go-on' | 'start-again' | 'wait';
}

/**
 * The offers to make.
 *
 * @param settled - ids of runs without an offer: the one shown by this page, and those that have ended in it. The
 *   overview may be older than their end, and a temporary offer would move the button under the pointer.
 */
export function offersOf({ runs }: CheckpointOverview, settled: ReadonlySet<string>): RunOffer[] {
  return runs.filter(({ id, kind }) => isSingleRun(kind) && !settled.has(id)).map(offerOf);
}

function offerOf(run: UnfinishedRun): RunOffer {
  const { name, startedAt, totalSteps, state, lastCheckpoint } = run;
  const began = `${name}, begun ${formatTime(startedAt)}.`;
  if (state === 'alive') {
    return {
      run,
      way: 'wait',
      heading: 'A run is under way in another tab',
      text: `${began} It can be controlled there.`,
    };
  }
  const doubt = state === 'unknown' ? ' This browser cannot tell whether another tab is still running it.' : '';
  if (lastCheckpoint === null) {
    const text = `${began} It can start again with the same settings.${doubt}`;
    return { run, way: 'start-again', heading: 'A run stopped before its first checkpoint', text };
  }
  const at = `step ${formatCount(lastCheckpoint.step)} of ${formatCount(totalSteps)}`;
  const text = `${began} It continues exactly as if it had never stopped.${doubt}`;
  return { run, way: 'go-on', heading: `A run stopped at ${at}`, text };
}
