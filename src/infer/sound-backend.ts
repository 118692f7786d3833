/**
 * Guards work against a broken backend: a GPU that is lost during a computation causes unrelated errors or none.
 * Results of that time are discarded, and the error names the loss.
 */
import { LabError } from '../common/errors.ts';
import { type BackendFault, type BackendHealth, isCurrentBackend } from '../gpu/current-backend.ts';

/** The loss of a device may arrive some time after the first call that it breaks. */
const LONGEST_WAIT_MS = 500;
const LOOK_EVERY_MS = 25;

/**
 * Does work on a watched backend.
 *
 * @throws {LabError} `backend-lost` if the backend broke meanwhile, even if the work succeeded; otherwise what the work
 *   throws
 */
export async function onSoundBackend<T>(health: BackendHealth, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (thrown) {
    const fault = mayResultFromFault(thrown) ? await faultSoon(health) : undefined;
    throw fault === undefined ? thrown : lostError(fault, thrown);
  }
  checkSound(health);
  return result;
}

/** @throws {LabError} `backend-lost` if the backend has broken */
export function checkSound({ fault }: BackendHealth): void {
  if (fault !== undefined) throw lostError(fault);
}

/** Whether an error may be the consequence of a fault; other errors name their own cause. */
function mayResultFromFault(thrown: unknown): boolean {
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
