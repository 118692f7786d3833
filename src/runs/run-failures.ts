/**
 * Failures of a backend during a run, as typed errors with a fix.
 */
import { LabError } from '../common/errors.ts';
import { withMemoryNamed } from '../common/memory-errors.ts';
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

/** What a run has thrown, converted to `out-of-memory` if its message says so. */
export function memoryNamed(thrown: unknown): unknown {
  return withMemoryNamed(thrown, SMALLER);
}
