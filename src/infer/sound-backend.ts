/**
 * Work that a broken backend cannot spoil: a GPU that is lost under a computation shows in errors about something else,
 * or in no error at all. What was computed on it is thrown away, and the error says what happened.
 */
import { LabError } from '../common/errors.ts';
import { type BackendFault, type BackendHealth, isCurrentBackend } from '../gpu/current-backend.ts';

/** The loss of a device may arrive some time after the first call that it breaks. */
const LONGEST_WAIT_MS = 500;
const LOOK_EVERY_MS = 25;

/**
 * Does work on the backend that is watched.
 *
 * @throws {LabError} `backend-lost` if the backend broke meanwhile, whatever the work threw or gave; else what it
 *   throws
 */
export async function onSoundBackend<T>(health: BackendHealth, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (thrown) {
    const fault = mayComeOfFault(thrown) ? await faultSoon(health) : undefined;
    throw fault === undefined ? thrown : lostError(fault, thrown);
  }
  checkSound(health);
  return result;
}

/** @throws {LabError} `backend-lost` if the backend has broken */
export function checkSound({ fault }: BackendHealth): void {
  if (fault !== undefined) throw lostError(fault);
}

/** Errors that name a cause of their own need no other. */
function mayComeOfFault(thrown: unknown): boolean {
  return (
    !(thrown instanceof LabError) || ['internal', 'no-backend', 'not-finite', 'out-of-memory'].includes(thrown.code)
  );
}

async function faultSoon(health: BackendHealth): Promise<BackendFault | undefined> {
  if (!isCurrentBackend('webgpu')) return undefined;
  for (let waitedMs = 0; health.fault === undefined && waitedMs < LONGEST_WAIT_MS; waitedMs += LOOK_EVERY_MS) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
  return health.fault;
}

function lostError({ kind, message }: BackendFault, cause?: unknown): LabError {
  const happened = {
    lost: 'The GPU was lost',
    'out-of-memory': 'The GPU has no memory left',
    invalid: 'The GPU refused a command',
  }[kind];
  return new LabError('backend-lost', {
    message: `${happened}: ${message.replace(/\.$/u, '')}.`,
    cause,
  });
}
