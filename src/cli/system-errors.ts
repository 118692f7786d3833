/**
 * Operating-system errors in words, with a code of the lab.
 */
import process from 'node:process';
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';

/** The meaning of an error code, and its fix. */
const MEANINGS: Readonly<Record<string, readonly [code: LabErrorCode, what: string, fix: string]>> = {
  ENOSPC: ['storage-full', 'disk full', 'Free some space, or write elsewhere.'],
  EDQUOT: ['storage-full', 'disk quota used up', 'Free some space, or write elsewhere.'],
  EFBIG: ['storage-full', 'the file would be too large for this disk', 'Write elsewhere.'],
  EROFS: ['bad-file', 'the disk is read-only', 'Write elsewhere.'],
  EACCES: ['bad-file', 'permission denied', 'Change the permissions, or name another path.'],
  EPERM: ['bad-file', 'permission denied', 'Change the permissions, or name another path.'],
  ENOENT: ['not-found', 'there is no such file or folder', 'Check the path.'],
  ENOTDIR: ['not-found', 'a part of the path is a file, not a folder', 'Check the path.'],
  EISDIR: ['bad-file', 'it is a folder, not a file', 'Name a file.'],
  ELOOP: ['not-found', 'its links lead in a circle', 'Check the path.'],
  ENAMETOOLONG: ['bad-config', 'the name is too long', 'Choose a shorter one.'],
  EMFILE: ['internal', 'too many files are open', 'Close other programs, or raise the limit ("ulimit -n").'],
  EADDRINUSE: ['bad-config', 'the port is taken', 'Name another with --port.'],
  EIO: ['bad-file', 'the disk reports an error', 'Check the disk.'],
  ENOMEM: ['out-of-memory', 'out of memory', 'Close other programs.'],
};

/** Whether a thrown value is a system error with this code. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/**
 * A system error as a LabError; anything else unchanged.
 *
 * @param attempt - what was tried, such as "write scores.csv"; default: the system call
 */
export function systemError(error: unknown, attempt?: string): unknown {
  if (error instanceof LabError || !(error instanceof Error) || !('code' in error)) return error;
  const meaning = typeof error.code === 'string' ? MEANINGS[error.code] : undefined;
  if (meaning === undefined) return error;
  const [code, what, fix] = meaning;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  const tried = attempt ?? (path === undefined ? messageOf(error) : `use ${path}`);
  return new LabError(code, { message: `${what}: could not ${tried}.`, fix, cause: error });
}

/** Whether a process is alive; what is no process id counts as alive, because nothing is known of it. */
export function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return true;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}
