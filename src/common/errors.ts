/**
 * The one error type of the lab. Every error says what was expected, what came instead and what to do about it,
 * and carries a code from a closed list, so that a worker's message, a CLI exit and a page banner can tell them apart.
 */

/** What went wrong, as a closed list. The code is also written to `name`, because comlink carries only name, message and stack. */
export type LabErrorCode =
  | 'aborted'
  | 'backend-lost'
  | 'bad-checkpoint'
  | 'bad-config'
  | 'bad-file'
  | 'bad-instruction'
  | 'bad-shape'
  | 'bad-tokenizer'
  | 'bad-trace'
  | 'internal'
  | 'no-backend'
  | 'not-finite'
  | 'not-found'
  | 'out-of-memory'
  | 'storage-full'
  | 'storage-unavailable';

/** What an error must say. */
export interface LabErrorDetails {
  /** What happened, naming the place (file, row, field, tensor, ...). */
  readonly message: string;
  /** What was expected there. */
  readonly expected?: string;
  /** What came instead. */
  readonly got?: string;
  /** What the reader can do about it. */
  readonly fix?: string;
  readonly cause?: unknown;
}

/** An error with a code from {@link LabErrorCode}; `message` holds expected, got and fix in one readable line. */
export class LabError extends Error {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, details: LabErrorDetails) {
    super(composeMessage(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.name = code;
  }
}

function composeMessage({ message, expected, got, fix }: LabErrorDetails): string {
  let text = message;
  if (expected !== undefined) text += ` Expected ${expected}.`;
  if (got !== undefined) text += ` Got ${got}.`;
  if (fix !== undefined) text += ` ${fix}`;
  return text;
}

/** The message of anything that was thrown, for showing to a person. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/**
 * Throws a typed error if the signal was aborted; called between steps of anything that can take long.
 *
 * @throws {LabError} `aborted`
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LabError('aborted', { message: 'Stopped on request.' });
}
