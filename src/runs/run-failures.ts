/**
 * What can go wrong with a backend under a run, as typed failures that say what to do.
 */
import { LabError } from '../common/errors.ts';
import type { BackendFault } from '../gpu/current-backend.ts';

const SMALLER = 'Use a smaller batch with more accumulation, or a smaller preset.';

/** The failure of a run that does not fit. */
export function tooLargeError(why: string): LabError {
  return new LabError('out-of-memory', { message: `The run does not fit into memory. ${why}`, fix: SMALLER });
}

/** The failure of a run whose backend broke. */
export function faultError({ kind, message }: BackendFault): LabError {
  switch (kind) {
    case 'lost':
      return new LabError('no-backend', {
        message: `The GPU was lost again and again: ${message}.`,
        fix: 'Go on from the last checkpoint, on another backend if need be.',
      });
    case 'out-of-memory':
      return new LabError('out-of-memory', { message: `The GPU has no memory left: ${message}.`, fix: SMALLER });
    case 'invalid':
      return new LabError('internal', {
        message: `The GPU refused a command: ${message}.`,
        fix: 'Go on from the last checkpoint on another backend.',
      });
    default:
      return kind satisfies never;
  }
}

/** An allocation that failed shows in these ways only: engines throw plain RangeErrors, Emscripten plain Errors. */
const OUT_OF_MEMORY = /out of memory|allocation failed|array buffer allocation|invalid (typed )?array length|\boom\b/i;

/** What was thrown, as `out-of-memory` if it says so. */
export function withMemoryNamed(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof LabError || !OUT_OF_MEMORY.test(thrown.message)) return thrown;
  return new LabError('out-of-memory', { message: `Memory ran out: ${thrown.message}.`, fix: SMALLER, cause: thrown });
}
