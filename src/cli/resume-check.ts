/**
 * Whether a run is to begin or to go on must be said: neither is a run that is there begun anew over itself, nor is one that
 * is not there gone on with.
 */
import { LabError } from '../common/errors.ts';

/**
 * Holds what was asked for against what is in the folder of the run.
 *
 * @param saved - the checkpoint in the folder, if there is one
 * @throws {LabError} `not-found` if there is nothing to go on with, `bad-config` if a run is there and was not to go on
 */
export function checkResume(
  saved: object | undefined,
  { out, resume = false }: { readonly out: string; readonly resume?: boolean },
): void {
  if (saved === undefined && resume) {
    const message = `There is no checkpoint to resume in ${out}.`;
    throw new LabError('not-found', { message, fix: 'Start the run without --resume.' });
  }
  if (saved !== undefined && !resume) {
    const fix = 'Go on with it by --resume, or name another folder.';
    throw new LabError('bad-config', { message: `There is a run in ${out} already.`, fix });
  }
}
