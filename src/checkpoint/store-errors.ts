/**
 * Failures of the browser's database as errors with fixes. IndexedDB itself throws DOMExceptions whose names mean
 * different things in different contexts.
 */
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';

/** The disk, or the browser's quota on it, is exhausted. */
const STORAGE_FULL: LabErrorCode = 'storage-full';
/** The database is not, or no longer, available. */
const STORE_UNAVAILABLE: LabErrorCode = 'storage-unavailable';

/** The name of a DOMException or any other error. */
export function errorName(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : '';
}

/**
 * A failed request or transaction as a LabError.
 *
 * @param doing - the failed action, which completes "could not ...": "save a checkpoint"
 */
export function requestFailure(doing: string, mode: 'readonly' | 'readwrite', thrown: unknown): LabError {
  if (thrown instanceof LabError) return thrown;
  switch (errorName(thrown)) {
    case 'QuotaExceededError':
      return new LabError(STORAGE_FULL, {
        message: `The browser could not ${doing}: its storage for this page is full.`,
        fix: 'Delete or export checkpoints, or free disk space, and try again. What was saved before is still there.',
        cause: thrown,
      });
    // The names that Chromium uses for a database file that is missing, unreadable or truncated.
    case 'NotFoundError':
    case 'NotReadableError':
    case 'DataError':
    case 'UnknownError':
      if (mode === 'readwrite') return unexplained(doing, thrown);
      return new LabError('bad-checkpoint', {
        message: `The browser could not ${doing}: stored data is missing or unreadable (${messageOf(thrown)}).`,
        fix: 'Use another checkpoint, or import this one from an exported file, and delete it here.',
        cause: thrown,
      });
    default:
      return unexplained(doing, thrown);
  }
}

function unexplained(doing: string, thrown: unknown): LabError {
  return new LabError(STORE_UNAVAILABLE, {
    message: `The browser could not ${doing}: ${errorName(thrown)}: ${messageOf(thrown)}.`,
    fix: 'Reload the page. If it happens again, restart the browser.',
    cause: thrown,
  });
}

/** The LabError for a database that does not open. */
export function openFailure(thrown: unknown, version: number): LabError {
  if (thrown instanceof LabError) return thrown;
  switch (errorName(thrown)) {
    case 'VersionError':
      return new LabError(STORE_UNAVAILABLE, {
        message: 'The checkpoints in this browser were saved by a newer version of the lab.',
        expected: `a database of version ${version} or older`,
        got: messageOf(thrown),
        fix: 'Reload the page to get the newest lab. Nothing was changed.',
        cause: thrown,
      });
    case 'QuotaExceededError':
      return requestFailure('open the checkpoint store', 'readwrite', thrown);
    default:
      return new LabError(STORE_UNAVAILABLE, {
        message: `The browser keeps no checkpoints for this page: ${messageOf(thrown)}.`,
        fix: 'Allow this page to store data, leave private browsing, or free disk space, and reload.',
        cause: thrown,
      });
  }
}

/** A migration step threw; it has been rolled back. */
export function migrationFailed(version: number, thrown: unknown): LabError {
  return new LabError(STORE_UNAVAILABLE, {
    message: `The checkpoints in this browser could not be brought to version ${version}: ${messageOf(thrown)}.`,
    fix: 'Please report this. Nothing was changed: the version of the lab that saved them still reads them.',
    cause: thrown,
  });
}

/** This browser, or its current mode, has no IndexedDB. */
export function noDatabase(): LabError {
  return new LabError(STORE_UNAVAILABLE, {
    message: 'This browser has no database to keep checkpoints in.',
    expected: 'IndexedDB',
    fix: 'Use a current browser outside private browsing, and allow this page to store data.',
  });
}

/** Another tab keeps an older version of the database open. */
export function storeBlocked(version: number): LabError {
  return new LabError(STORE_UNAVAILABLE, {
    message: `Another tab of the lab prevents the checkpoint store from being updated to version ${version}.`,
    fix: 'Close all other tabs of the lab and reload this one. Nothing was changed.',
  });
}

/** The connection was closed for another tab or by the browser. */
export function storeClosed(because: string): LabError {
  return new LabError(STORE_UNAVAILABLE, {
    message: `The checkpoint store was closed: ${because}.`,
    fix: 'Try again; checkpoints that were saved are still there unless the data of the page was cleared.',
  });
}
