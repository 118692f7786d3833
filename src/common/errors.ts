/**
 * The error type of the lab. Every error has what was expected, what was found and how to fix it, and a code from a
 * closed list, so that a worker's message, a CLI exit and a page banner can distinguish errors. This room holds what
 * several rooms share and no room owns: errors, random numbers, pacing, and mathematics.
 */

/**
 * The kind of error, as a closed list. It is also the `name`, because comlink transfers only name, message and stack.
 */
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

/** The parts of an error's message. */
export interface LabErrorDetails {
  /** What happened, naming the place (file, row, field, tensor, ...). */
  readonly message: string;
  /** What was expected there. */
  readonly expected?: string;
  /** What was found instead. */
  readonly got?: string;
  /** What the reader can do about it. */
  readonly fix?: string;
  readonly cause?: unknown;
}

/** The most characters of a message; longer ones are shortened where they quote. */
const MAX_MESSAGE_LENGTH = 300;
/** What a part that is shortened keeps at least. What was found comes from files, and is shortened first. */
const LEAST = { got: 40, expected: 60, message: 100 } as const;

/**
 * An error with a code from {@link LabErrorCode}; `message` includes expected, got and fix in one readable line of at
 * most 300 characters.
 */
export class LabError extends Error {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, details: LabErrorDetails) {
    super(composeMessage(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.name = code;
  }
}

function composeMessage(details: LabErrorDetails): string {
  const parts: { -readonly [Part in keyof LabErrorDetails]: LabErrorDetails[Part] } = { ...details };
  for (const name of ['got', 'expected', 'message'] as const) {
    const over = joined(parts).length - MAX_MESSAGE_LENGTH;
    const part = parts[name];
    if (over > 0 && part !== undefined) parts[name] = shortened(part, Math.max(LEAST[name], part.length - over));
  }
  return joined(parts);
}

function joined({ message, expected, got, fix }: LabErrorDetails): string {
  let text = message;
  if (expected !== undefined) text += ` Expected ${ended(expected)}`;
  if (got !== undefined) text += ` Got ${ended(got)}`;
  if (fix !== undefined) text += ` ${fix}`;
  return text;
}

/** A part as a sentence; another error's message is one already. */
function ended(part: string): string {
  return part.endsWith('.') ? part : `${part}.`;
}

/** A text of at most `length` UTF-16 units, with an ellipsis where it was cut; never half of a character. */
function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}\u2026`;
}

/** The message of any thrown value, for display. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/**
 * Throws a typed error if the signal is aborted. Called between the steps of long operations.
 *
 * @throws {LabError} `aborted`
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LabError('aborted', { message: 'Stopped on request.' });
}
