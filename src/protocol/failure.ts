/**
 * Failures as values. An error that crosses threads keeps only name, message and stack, so the code of a LabError
 * travels as `name` and is read back here. Any other error becomes an `internal` failure.
 */
import * as v from 'valibot';
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';
import { withMemoryNamed } from '../common/memory-errors.ts';

// A record, so that a code that is added to the union but not here fails to compile.
const CODES: Record<LabErrorCode, true> = {
  aborted: true,
  'backend-lost': true,
  'bad-checkpoint': true,
  'bad-config': true,
  'bad-file': true,
  'bad-instruction': true,
  'bad-shape': true,
  'bad-tokenizer': true,
  'bad-trace': true,
  internal: true,
  'no-backend': true,
  'not-finite': true,
  'not-found': true,
  'out-of-memory': true,
  'storage-full': true,
  'storage-unavailable': true,
};
const isCode = (name: string): name is LabErrorCode => Object.hasOwn(CODES, name);

/** A failure as it crosses threads. */
export const FailureSchema = v.strictObject({
  code: v.custom<LabErrorCode>((input) => typeof input === 'string' && isCode(input), 'an unknown error code'),
  message: v.string(),
});
export type Failure = v.InferOutput<typeof FailureSchema>;

/** What to do where the browser has no memory left, whatever it was needed for. */
const FREE_MEMORY = 'Close other tabs and programs, and try again. What was saved is still there.';

/** Anything that was thrown, here or in another thread, as a failure. */
export function failureOf(thrown: unknown): Failure {
  const name = thrown instanceof Error ? thrown.name : '';
  if (isCode(name)) return { code: name, message: messageOf(thrown) };
  const named = withMemoryNamed(thrown, FREE_MEMORY);
  return { code: named instanceof LabError ? named.code : 'internal', message: messageOf(named) };
}

/**
 * The codes of failures that lie in a run itself, in its settings, files or numbers: beginning it again would fail
 * again, and another run need not. Any other failure is one of the browser or the machine, of which the run knows
 * nothing.
 */
const OF_RUN: ReadonlySet<LabErrorCode> = new Set([
  'bad-checkpoint',
  'bad-config',
  'bad-file',
  'bad-instruction',
  'bad-shape',
  'bad-tokenizer',
  'bad-trace',
  'not-finite',
  'not-found',
]);

export function isOfRun({ code }: Failure): boolean {
  return OF_RUN.has(code);
}
