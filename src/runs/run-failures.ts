/**
 * Failures of a backend during a run, as typed errors with a fix.
 */
import { LabError } from '../common/errors.ts';
import type { BackendFault } from '../gpu/current-backend.ts';

const SMALLER = 'Use a smaller batch with more accumulation, or a smaller preset.';

/** The error for a run that does not fit into memory. */
export function tooLargeError(why: string): LabError {
  return new LabError('out-of-memory', { message: `The run does not fit into memory. ${why}`, fix: SMALLER });
}

/** The error for a run whose backend failed. */
export function faultError({ kind, message }: BackendFault): LabError {
  switch (kind) {
    case 'lost':
      return new LabError('no-backend', {
        message: `The GPU was lost repeatedly: ${message}.`,
        fix: 'Resume from the last checkpoint, on another backend if necessary.',
      });
    case 'out-of-memory':
      return new LabError('out-of-memory', { message: `The GPU has no memory left: ${message}.`, fix: SMALLER });
    case 'invalid':
      return new LabError('internal', {
        message: `The GPU refused a command: ${message}.`,
        fix: 'Resume from the last checkpoint on another backend.',
      });
    default:
      return kind satisfies never;
  }
}

/** The messages of failed allocations: engines throw plain RangeErrors, Emscripten throws plain Errors. */
const OUT_OF_MEMORY = /out of memory|allocation failed|array buffer allocation|invalid (typed )?array length|\boom\b/i;

/** What was thrown, converted to `out-of-memory` if its message says so. */
export function withMemoryNamed(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof LabError || !OUT_OF_MEMORY.test(thrown.message)) return thrown;
  return new LabError('out-of-memory', { message: `Memory ran out: ${thrown.message}.`, fix: SMALLER, cause: thrown });
}
